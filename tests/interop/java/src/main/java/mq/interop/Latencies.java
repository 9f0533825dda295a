package mq.interop;

import java.io.BufferedWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;

/**
 * {@code Latencies NAMESRV TOPIC SIZE EVERY_MICROS OUT}: one thread sends messages of SIZE bytes until
 * standard input ends, one each EVERY_MICROS microseconds or as soon as the one before is acknowledged, if
 * that is later; a line per message: when it was acknowledged (ms since 1970) and how many microseconds
 * that took.
 */
public final class Latencies {
    private Latencies() {
    }

    public static void main(String[] args) throws Exception {
        byte[] body = new byte[Integer.parseInt(args[2])];
        long every = 1000L * Long.parseLong(args[3]);
        DefaultMQProducer producer = new DefaultMQProducer("latencies");
        producer.setNamesrvAddr(args[0]);
        producer.start();
        Thread end = new Thread(() -> {
            try {
                System.in.read();
            } catch (java.io.IOException gone) {
                // The end as well.
            }
        });
        end.setDaemon(true);
        end.start();
        try (BufferedWriter out = Files.newBufferedWriter(Path.of(args[4]))) {
            while (end.isAlive()) {
                long begun = System.nanoTime();
                SendResult result = producer.send(new Message(args[1], body));
                if (result.getSendStatus() != SendStatus.SEND_OK) {
                    throw new IllegalStateException(result.toString());
                }
                long took = System.nanoTime() - begun;
                out.write(System.currentTimeMillis() + " " + took / 1000 + "\n");
                // Whoever reads along must not miss the end of its time.
                out.flush();
                long left = every - took;
                if (left > 0) {
                    Thread.sleep(left / 1_000_000, (int) (left % 1_000_000));
                }
            }
        }
        producer.shutdown();
        System.exit(0);
    }
}
