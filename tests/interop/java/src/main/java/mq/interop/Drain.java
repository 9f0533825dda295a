package mq.interop;

import java.nio.file.Path;
import java.util.zip.CRC32;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * {@code Drain NAMESRV OUT PREFIX TOPICS [PREFIX TOPICS …]}: pulls every queue of the topics PREFIX0,
 * PREFIX1, … from its smallest to its greatest offset; a line per queue and per message.
 */
public final class Drain {
    private static final int AT_ONCE = 32;

    private final DefaultMQPullConsumer consumer = new DefaultMQPullConsumer("interop-drain");
    private final Report report;

    private Drain(Report report) {
        this.report = report;
    }

    public static void main(String[] args) throws Exception {
        try (Report report = new Report(Path.of(args[1]))) {
            Drain drain = new Drain(report);
            drain.consumer.setNamesrvAddr(args[0]);
            drain.consumer.start();
            for (int i = 2; i < args.length; i += 2) {
                for (int topic = 0; topic < Integer.parseInt(args[i + 1]); topic++) {
                    for (MessageQueue queue : drain.consumer.fetchSubscribeMessageQueues(args[i] + topic)) {
                        drain.queue(queue);
                    }
                }
            }
            drain.consumer.shutdown();
        }
        System.exit(0);
    }

    private void queue(MessageQueue queue) throws Exception {
        long min = consumer.minOffset(queue);
        long max = consumer.maxOffset(queue);
        report.line("topic", queue.getTopic(), "queue", queue.getQueueId(), "min", min, "max", max);
        long next = min;
        while (next < max) {
            PullResult result = consumer.pull(queue, "*", next, AT_ONCE);
            if (result.getPullStatus() != PullStatus.FOUND) {
                throw new IllegalStateException(queue + " at " + next + " of " + max + ": " + result);
            }
            for (MessageExt message : result.getMsgFoundList()) {
                CRC32 crc = new CRC32();
                crc.update(message.getBody());
                report.line("topic", message.getTopic(), "queue", message.getQueueId(),
                        "offset", message.getQueueOffset(), "id", message.getMsgId(),
                        "key", message.getKeys(), "crc", crc.getValue());
            }
            next = result.getNextBeginOffset();
        }
    }
}
