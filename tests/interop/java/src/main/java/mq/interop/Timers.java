package mq.interop;

import java.nio.file.Path;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;

/**
 * {@code Timers NAMESRV TOPIC OUT COUNT MILLIS}: sends COUNT messages that are due MILLIS after the first, a
 * few of them a second earlier each time, and calls every fiftieth back. Before them goes one that is due at
 * once, and is waited for. OUT gets a line for each that is to be delivered.
 */
public final class Timers {
    private static final int CALLED_BACK = 50;
    private static final int SPREAD = 10;

    private Timers() {
    }

    public static void main(String[] args) throws Exception {
        String topic = args[1];
        DefaultMQProducer producer = new DefaultMQProducer("interop-timers");
        producer.setNamesrvAddr(args[0]);
        producer.setSendMsgTimeout(10_000);
        producer.start();
        try (Report report = new Report(Path.of(args[2]))) {
            Message early = new Message(topic, "tag", "early", "early".getBytes());
            Later.when(early, "setDelayTimeMs", 2_000, 0);
            producer.send(early);
            report.line("key", "early");
            Thread.sleep(6_000);
            long due = System.currentTimeMillis() + Long.parseLong(args[4]);
            for (int i = 0; i < Integer.parseInt(args[3]); i++) {
                Message message = new Message(topic, "tag", "key-" + i, ("body " + i).getBytes());
                long own = due - i % SPREAD * 1_000;
                Later.when(message, "setDeliverTimeMs", own, own);
                SendResult sent = producer.send(message);
                if (i % CALLED_BACK == 0) {
                    Later.callBack(producer, topic, sent);
                } else {
                    report.line("key", "key-" + i, "due", own);
                }
            }
        }
        producer.shutdown();
        System.exit(0);
    }
}
