package mq.interop;

import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import java.util.zip.CRC32;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * {@code Fill NAMESRV BROKER PREFIX TOPICS QUEUES ROUNDS SIZE OUT}: sends ROUNDS messages of up to
 * SIZE bytes to each of QUEUES queues of the topics PREFIX0, PREFIX1, …; writes a line for each
 * that was acknowledged.
 */
public final class Fill {
    private static final int IN_FLIGHT = 64;

    private Fill() {
    }

    public static void main(String[] args) throws Exception {
        String broker = args[1];
        int topics = Integer.parseInt(args[3]);
        int queues = Integer.parseInt(args[4]);
        int rounds = Integer.parseInt(args[5]);
        int size = Integer.parseInt(args[6]);
        Random random = new Random(args[2].hashCode());
        DefaultMQProducer producer = new DefaultMQProducer("interop-fill");
        producer.setNamesrvAddr(args[0]);
        producer.setSendMsgTimeout(20_000);
        producer.setCompressMsgBodyOverHowmuch(Integer.MAX_VALUE);
        producer.start();
        Semaphore room = new Semaphore(IN_FLIGHT);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        try (Report report = new Report(Path.of(args[7]))) {
            for (int round = 0; round < rounds; round++) {
                for (int topic = 0; topic < topics; topic++) {
                    for (int queue = 0; queue < queues; queue++) {
                        byte[] body = new byte[1 + random.nextInt(size)];
                        random.nextBytes(body);
                        String name = args[2] + topic;
                        Message message = new Message(name, "TagA", "key-" + queue + "-" + round, body);
                        room.acquire();
                        producer.send(message, new MessageQueue(name, broker, queue), new SendCallback() {
                            @Override
                            public void onSuccess(SendResult result) {
                                acknowledged(report, message, result, failure);
                                room.release();
                            }

                            @Override
                            public void onException(Throwable error) {
                                failure.set(error);
                                room.release();
                            }
                        });
                    }
                }
            }
            room.acquire(IN_FLIGHT);
        }
        if (failure.get() != null) {
            failure.get().printStackTrace();
            System.exit(1);
        }
        producer.shutdown();
        System.exit(0);
    }

    private static void acknowledged(Report report, Message message, SendResult result,
            AtomicReference<Throwable> failure) {
        if (result.getSendStatus() != SendStatus.SEND_OK) {
            failure.set(new IllegalStateException(result.toString()));
        }
        CRC32 crc = new CRC32();
        crc.update(message.getBody());
        report.line("topic", message.getTopic(), "queue", result.getMessageQueue().getQueueId(),
                "offset", result.getQueueOffset(), "id", result.getMsgId(), "key", message.getKeys(),
                "crc", crc.getValue());
    }
}
