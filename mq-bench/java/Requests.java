import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;

import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * Requests in a closed loop and a consumer that replies to them, in one process. Reports every nine
 * seconds about these.
 *
 * <p>Words: name server, topic, threads, bytes of a body.
 */
public class Requests {
    private static final long LIMIT_MS = 10_000;
    private static final long REPORT_EVERY_MS = 9_000;
    /** Latencies are counted by 10 µs; longer ones are in the last field. */
    private static final int FIELDS = 100_000;
    private static final int FIELD_US = 10;

    private static final AtomicLongArray COUNTS = new AtomicLongArray(FIELDS);
    private static final AtomicLong TOTAL_US = new AtomicLong();
    private static final AtomicLong MAX_US = new AtomicLong();
    private static final AtomicLong FAILED = new AtomicLong();

    public static void main(String[] words) throws Exception {
        String nameServer = words[0];
        String topic = words[1];
        int threads = Integer.parseInt(words[2]);
        byte[] body = new byte[Integer.parseInt(words[3])];
        Arrays.fill(body, (byte) 'x');

        DefaultMQProducer replies = producer(nameServer, "replier");
        // Creates the topic, so that it is there when its queues are looked for.
        replies.send(new Message(topic, "begin".getBytes(StandardCharsets.UTF_8)));
        startReplier(nameServer, topic, replies, body).await();
        System.out.println("the replier has its queues");

        DefaultMQProducer requests = producer(nameServer, "requests");
        for (int i = 0; i < threads; i++) {
            Thread thread = new Thread(() -> sendForEver(requests, topic, body));
            thread.setDaemon(true);
            thread.start();
        }
        report();
    }

    private static DefaultMQProducer producer(String nameServer, String name) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer("bench-java-" + name);
        producer.setNamesrvAddr(nameServer);
        producer.setInstanceName("bench-java-" + name);
        producer.start();
        return producer;
    }

    /** Gives what is open once a message that is no request has come. */
    private static CountDownLatch startReplier(
            String nameServer, String topic, DefaultMQProducer replies, byte[] body) throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        DefaultMQPushConsumer consumer =
                new DefaultMQPushConsumer("bench-java-replier-" + System.currentTimeMillis());
        consumer.setNamesrvAddr(nameServer);
        consumer.setInstanceName("bench-java-replier");
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener(
                (java.util.List<MessageExt> messages,
                        org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyContext context) -> {
                    for (MessageExt message : messages) {
                        reply(replies, message, body, begun);
                    }
                    return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
                });
        consumer.start();
        return begun;
    }

    private static void reply(
            DefaultMQProducer replies, MessageExt request, byte[] body, CountDownLatch begun) {
        if (request.getProperty(MessageConst.PROPERTY_CORRELATION_ID) == null) {
            begun.countDown();
            return;
        }
        try {
            replies.send(MessageUtil.createReplyMessage(request, body), LIMIT_MS);
        } catch (Exception error) {
            System.err.println("a reply was not taken: " + error);
        }
    }

    private static void sendForEver(DefaultMQProducer requests, String topic, byte[] body) {
        while (true) {
            long begun = System.nanoTime();
            try {
                requests.request(new Message(topic, body), LIMIT_MS);
                note((System.nanoTime() - begun) / 1_000);
            } catch (Throwable error) {
                FAILED.incrementAndGet();
                System.err.println("a request failed: " + error);
            }
        }
    }

    private static void note(long us) {
        COUNTS.incrementAndGet((int) Math.min(us / FIELD_US, FIELDS - 1));
        TOTAL_US.addAndGet(us);
        MAX_US.accumulateAndGet(us, Math::max);
    }

    private static void report() {
        long next = System.nanoTime();
        while (true) {
            next += REPORT_EVERY_MS * 1_000_000;
            while (System.nanoTime() < next) {
                LockSupport.parkNanos(next - System.nanoTime());
            }
            long[] counts = new long[FIELDS];
            long count = 0;
            for (int i = 0; i < FIELDS; i++) {
                counts[i] = COUNTS.getAndSet(i, 0);
                count += counts[i];
            }
            System.out.printf(
                    "Current Time: %d | Round trips a second: %.1f | Average us: %.1f | P50 us: %d | P99 us: %d"
                            + " | Max us: %d | Failed: %d%n",
                    System.currentTimeMillis(),
                    count * 1e3 / REPORT_EVERY_MS,
                    TOTAL_US.getAndSet(0) / (double) Math.max(count, 1),
                    quantile(counts, count, 0.5),
                    quantile(counts, count, 0.99),
                    MAX_US.getAndSet(0),
                    FAILED.getAndSet(0));
        }
    }

    private static long quantile(long[] counts, long count, double part) {
        long before = 0;
        for (int i = 0; i < counts.length; i++) {
            before += counts[i];
            if (before >= count * part) {
                return (long) (i + 1) * FIELD_US;
            }
        }
        return 0;
    }
}
