package mq.interop;

import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;

/**
 * Sends a plan for later: by delay level, or in the three ways to say a time. What is of the color
 * {@code again} is called back then. Times are called by name, because 4.9 has none.
 */
final class Later {
    private static final long[] LEVEL_MILLIS = {1_000, 5_000};
    private static final long AFTER_MILLIS = 2_750;
    private static final long AT_MILLIS = 3_250;
    private static final long SECONDS = 4;

    private final DefaultMQProducer producer;
    private final Report report;

    Later(DefaultMQProducer producer, Report report) {
        this.producer = producer;
        this.report = report;
    }

    void levels(String topic, Plan plan) throws Exception {
        int number = 0;
        for (Plan.Entry entry : plan.entries) {
            int level = number++ % LEVEL_MILLIS.length;
            Message message = plan.message(topic, entry);
            message.setDelayTimeLevel(level + 1);
            long due = System.currentTimeMillis() + LEVEL_MILLIS[level];
            sent(entry, producer.send(message), due);
        }
    }

    void times(String topic, Plan plan) throws Exception {
        int number = 0;
        for (Plan.Entry entry : plan.entries) {
            Message message = plan.message(topic, entry);
            long now = System.currentTimeMillis();
            long due = switch (number++ % 3) {
                case 0 -> when(message, "setDelayTimeMs", AFTER_MILLIS, now + AFTER_MILLIS);
                case 1 -> when(message, "setDeliverTimeMs", now + AT_MILLIS, now + AT_MILLIS);
                default -> when(message, "setDelayTimeSec", SECONDS, now + SECONDS * 1_000);
            };
            SendResult result = producer.send(message);
            sent(entry, result, due);
            if (entry.color().equals("again")) {
                callBack(producer, topic, result);
            }
        }
    }

    static void callBack(DefaultMQProducer producer, String topic, SendResult sent) throws Exception {
        Object id = DefaultMQProducer.class.getMethod("recallMessage", String.class, String.class)
                .invoke(producer, topic, handle(sent));
        if (!sent.getMsgId().equals(id)) {
            throw new IllegalStateException("called back " + id + " instead of " + sent.getMsgId());
        }
    }

    static String handle(SendResult sent) throws Exception {
        return (String) SendResult.class.getMethod("getRecallHandle").invoke(sent);
    }

    static long when(Message message, String way, long value, long due) throws Exception {
        Message.class.getMethod(way, long.class).invoke(message, value);
        return due;
    }

    private void sent(Plan.Entry entry, SendResult result, long due) {
        if (result.getSendStatus() != SendStatus.SEND_OK) {
            throw new IllegalStateException("message " + entry.index() + ": " + result);
        }
        report.line("index", entry.index(), "id", result.getMsgId(), "due", due);
    }
}
