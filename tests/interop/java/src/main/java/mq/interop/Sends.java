package mq.interop;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;

/**
 * {@code Sends NAMESRV TOPIC THREADS BATCH SIZE WARM_UP SECONDS [KEYS]}: each of THREADS threads sends
 * batches of BATCH messages of SIZE bytes one after the other, WARM_UP seconds uncounted and SECONDS
 * counted; prints the messages that were acknowledged in a second. With KEYS each message has a key of
 * its own, which begins so.
 */
public final class Sends {
    private Sends() {
    }

    public static void main(String[] args) throws Exception {
        int threads = Integer.parseInt(args[2]);
        int batch = Integer.parseInt(args[3]);
        byte[] body = new byte[Integer.parseInt(args[4])];
        DefaultMQProducer producer = new DefaultMQProducer("speed");
        producer.setNamesrvAddr(args[0]);
        producer.start();
        Supplier<Message> messages = () -> new Message(args[1], body);
        if (args.length > 7) {
            AtomicLong made = new AtomicLong();
            messages = () -> new Message(args[1], "", args[7] + "-" + made.incrementAndGet(), body);
        }
        Supplier<Message> next = messages;
        LongAdder acknowledged = new LongAdder();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        List<Thread> senders = new ArrayList<>();
        for (int number = 0; number < threads; number++) {
            Thread sender = new Thread(() -> send(producer, batch, next, acknowledged, failure));
            sender.setDaemon(true);
            sender.start();
            senders.add(sender);
        }
        Thread.sleep(1000L * Integer.parseInt(args[5]));
        long before = acknowledged.sum();
        long begun = System.nanoTime();
        Thread.sleep(1000L * Integer.parseInt(args[6]));
        long count = acknowledged.sum() - before;
        double seconds = (System.nanoTime() - begun) / 1e9;
        if (failure.get() != null) {
            throw new IllegalStateException("a send failed", failure.get());
        }
        System.out.println(Math.round(count / seconds));
        System.exit(0);
    }

    private static void send(DefaultMQProducer producer, int batch, Supplier<Message> next,
            LongAdder acknowledged, AtomicReference<Throwable> failure) {
        try {
            while (failure.get() == null) {
                SendResult result;
                if (batch == 1) {
                    result = producer.send(next.get());
                } else {
                    List<Message> messages = new ArrayList<>(batch);
                    for (int number = 0; number < batch; number++) {
                        messages.add(next.get());
                    }
                    result = producer.send(messages);
                }
                if (result.getSendStatus() != SendStatus.SEND_OK) {
                    throw new IllegalStateException(result.toString());
                }
                acknowledged.add(batch);
            }
        } catch (Exception error) {
            failure.compareAndSet(null, error);
        }
    }
}
