package mq.interop;

import java.nio.file.Path;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;

/**
 * {@code Timers NAMESRV TOPIC OUT COUNT MILLIS}: sends COUNT messages that are due MILLIS after the first, a
 * few of them a second earlier each time, and calls every fiftieth back. Before them goes one that is due at
 * once, and is waited for; behind them, a hundred of the fourth delay level, which is as long as MILLIS. OUT gets
 * a line for each that was not called back, with the handle for every fiftieth.
 */
public final class Timers {
    private static final int CALLED_BACK = 50;
    private static final int SPREAD = 10;
    private static final int LEVEL = 4;
    private static final int WITH_LEVEL = 100;

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
                switch (i % CALLED_BACK) {
                    case 0 -> Later.callBack(producer, topic, sent);
                    case 1 -> report.line("key", "key-" + i, "due", own, "handle", Later.handle(sent));
                    default -> report.line("key", "key-" + i, "due", own);
                }
            }
            for (int i = 0; i < WITH_LEVEL; i++) {
                Message message = new Message(topic, "tag", "level-" + i, ("body " + i).getBytes());
                message.setDelayTimeLevel(LEVEL);
                long own = System.currentTimeMillis() + Long.parseLong(args[4]);
                producer.send(message);
                report.line("key", "level-" + i, "due", own);
            }
        }
        producer.shutdown();
        System.exit(0);
    }
}
