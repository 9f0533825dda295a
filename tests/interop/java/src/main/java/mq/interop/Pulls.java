package mq.interop;

import java.nio.file.Path;
import java.util.Arrays;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * {@code Pulls NAMESRV BROKER OUT PREFIX MESSAGES AT_ONCE SIZE [SIZE …]}: for each size sends
 * MESSAGES messages of so many bytes to queue 0 of the topic PREFIXSIZE, pulls them with
 * {@code maxNums} AT_ONCE until nothing comes, and once more from behind the end; a line per pull.
 */
public final class Pulls {
    private static final long BEHIND = 5;
    private static final long POLL_MILLIS = 10;

    private final DefaultMQProducer producer = new DefaultMQProducer("interop-pulls-producer");
    private final DefaultMQPullConsumer consumer = new DefaultMQPullConsumer("interop-pulls");
    private final Report report;
    private final String broker;
    private final String prefix;
    private final int messages;
    private final int atOnce;

    private Pulls(String[] args, Report report) throws Exception {
        this.report = report;
        broker = args[1];
        prefix = args[3];
        messages = Integer.parseInt(args[4]);
        atOnce = Integer.parseInt(args[5]);
        producer.setNamesrvAddr(args[0]);
        producer.setCompressMsgBodyOverHowmuch(Integer.MAX_VALUE);
        producer.start();
        consumer.setNamesrvAddr(args[0]);
        consumer.start();
    }

    public static void main(String[] args) throws Exception {
        try (Report report = new Report(Path.of(args[2]))) {
            Pulls pulls = new Pulls(args, report);
            for (String size : Arrays.copyOfRange(args, 6, args.length)) {
                pulls.run(Integer.parseInt(size));
            }
            pulls.consumer.shutdown();
            pulls.producer.shutdown();
        }
        System.exit(0);
    }

    private void run(int size) throws Exception {
        MessageQueue queue = new MessageQueue(prefix + size, broker, 0);
        byte[] body = new byte[size];
        Arrays.fill(body, (byte) 'x');
        for (int i = 0; i < messages; i++) {
            SendResult result = producer.send(new Message(queue.getTopic(), body), queue);
            if (result.getSendStatus() != SendStatus.SEND_OK || result.getQueueOffset() != i) {
                throw new IllegalStateException("message " + i + ": " + result);
            }
        }
        while (consumer.maxOffset(queue) < messages) {
            Thread.sleep(POLL_MILLIS);
        }
        long next = 0;
        PullResult result;
        do {
            result = pull(queue, size, next);
            next = result.getNextBeginOffset();
        } while (result.getPullStatus() == PullStatus.FOUND);
        pull(queue, size, next + BEHIND);
    }

    private PullResult pull(MessageQueue queue, int size, long offset) throws Exception {
        PullResult result = consumer.pull(queue, "*", offset, atOnce);
        int found = result.getPullStatus() == PullStatus.FOUND ? result.getMsgFoundList().size() : 0;
        report.line("bytes", size, "offset", offset, "status", result.getPullStatus().toString(), "messages", found,
                "next", result.getNextBeginOffset(), "min", result.getMinOffset(), "max", result.getMaxOffset());
        return result;
    }
}
