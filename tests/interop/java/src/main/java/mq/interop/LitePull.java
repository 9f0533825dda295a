package mq.interop;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.CountDownLatch;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;

/** Polls with the lite pull consumer, subscribed or with all queues assigned, until standard input ends. */
final class LitePull {
    private static final int POLL_MILLIS = 200;
    private static final int SAVE_MILLIS = 500;

    private LitePull() {
    }

    /** The arguments are those of {@link Consume}. */
    static void run(String[] args, Report report) throws Exception {
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(args[2]);
        consumer.setNamesrvAddr(args[0]);
        consumer.setInstanceName(args[5]);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setPollNameServerInterval(2_000);
        consumer.setPersistConsumerOffsetInterval(SAVE_MILLIS);
        boolean assigned = args[3].contains("assigned");
        if (!assigned) {
            consumer.subscribe(args[1], args[4]);
        }
        consumer.start();
        if (assigned) {
            consumer.assign(consumer.fetchMessageQueues(args[1]));
        }
        CountDownLatch ended = new CountDownLatch(1);
        Thread reading = new Thread(() -> {
            try {
                while (System.in.read() >= 0) {
                    continue;
                }
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            } finally {
                ended.countDown();
            }
        });
        reading.setDaemon(true);
        reading.start();
        report.line("ready", true);
        while (ended.getCount() > 0) {
            for (MessageExt message : consumer.poll(POLL_MILLIS)) {
                Consume.received(report, message);
            }
        }
        // A commit goes to the broker with the next save, one-way, so one alone may be lost with the connection.
        consumer.commitSync();
        Thread.sleep(3 * SAVE_MILLIS);
        consumer.shutdown();
    }
}
