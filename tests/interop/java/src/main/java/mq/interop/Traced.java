package mq.interop;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * {@code Traced NAMESRV TOPIC OUT}: sends a message in each way that is traced, has each consumed at the second
 * attempt, all with message trace, and writes a line with the id of each.
 */
public final class Traced implements TransactionListener {
    private static final String[] KINDS = {"sync", "async", "transaction"};
    private static final int ATTEMPTS = 2;
    private static final long PATIENCE_SECONDS = 60;

    private Traced() {
    }

    public static void main(String[] args) throws Exception {
        // The constructors are those that releases 4 and 5 have alike.
        TransactionMQProducer producer = new TransactionMQProducer(null, "traced-producer", null, true, null);
        producer.setNamesrvAddr(args[0]);
        producer.setTransactionListener(new Traced());
        producer.start();
        try (Report report = new Report(Path.of(args[2]))) {
            for (String kind : KINDS) {
                report.line("kind", kind, "id", send(producer, kind, args[1]).getMsgId());
            }
        }
        consume(args[0], args[1]);
        producer.shutdown();
        System.exit(0);
    }

    private static SendResult send(TransactionMQProducer producer, String kind, String topic) throws Exception {
        Message message = new Message(topic, "coffee", kind, kind.getBytes(StandardCharsets.UTF_8));
        switch (kind) {
            case "sync":
                return producer.send(message);
            case "async":
                CompletableFuture<SendResult> sent = new CompletableFuture<>();
                producer.send(message, new SendCallback() {
                    @Override
                    public void onSuccess(SendResult result) {
                        sent.complete(result);
                    }

                    @Override
                    public void onException(Throwable error) {
                        sent.completeExceptionally(error);
                    }
                });
                return sent.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            default:
                return producer.sendMessageInTransaction(message, null);
        }
    }

    private static void consume(String namesrv, String topic) throws Exception {
        CountDownLatch calls = new CountDownLatch(KINDS.length * ATTEMPTS);
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("traced-consumer", true, null);
        consumer.setNamesrvAddr(namesrv);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            calls.countDown();
            context.setDelayLevelWhenNextConsume(1);
            boolean first = messages.get(0).getReconsumeTimes() == 0;
            return first ? ConsumeConcurrentlyStatus.RECONSUME_LATER : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        boolean all = calls.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
        consumer.setAwaitTerminationMillisWhenShutdown(5_000);
        consumer.shutdown();
        if (!all) {
            throw new TimeoutException(calls.getCount() + " calls of the listener are missing");
        }
    }

    @Override
    public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
        return LocalTransactionState.COMMIT_MESSAGE;
    }

    @Override
    public LocalTransactionState checkLocalTransaction(MessageExt message) {
        return LocalTransactionState.COMMIT_MESSAGE;
    }
}
