package mq.interop;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * {@code Live NAMESRV TOPIC BROKER QUEUES MESSAGES OUT}: one of every kind of group that an
 * administrator may look at, connected until standard input ends.
 *
 * <p>Sends MESSAGES messages to each queue and writes a line per message. {@code live-consumed} has
 * consumed and committed them all, {@code live-filtered} passed over them by their tag,
 * {@code live-busy} is still at the first of each queue, {@code live-pulling} pulls and committed
 * one, {@code live-gone} consumed everything and left. The producer is {@code live-producer}.
 */
public final class Live {
    private static final long COMMIT_MILLIS = 200;
    private static final long PATIENCE_SECONDS = 60;
    private static final int SEND_MILLIS = 30_000;

    private final String namesrv;
    private final String topic;
    private final List<DefaultMQPushConsumer> committing = new ArrayList<>();

    private Live(String namesrv, String topic) {
        this.namesrv = namesrv;
        this.topic = topic;
    }

    public static void main(String[] args) throws Exception {
        try (Report report = new Report(Path.of(args[5]))) {
            Live live = new Live(args[0], args[1]);
            int messages = Integer.parseInt(args[3]) * Integer.parseInt(args[4]);
            live.send(report, args[2], Integer.parseInt(args[3]), Integer.parseInt(args[4]));
            live.leave(messages);
            live.consume(messages);
            ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
            timer.scheduleWithFixedDelay(live::commit, 0, COMMIT_MILLIS, TimeUnit.MILLISECONDS);
            report.line("ready", true);
            while (System.in.read() >= 0) {
                continue;
            }
        } catch (Exception e) {
            e.printStackTrace();
            System.exit(1);
        }
        System.exit(0);
    }

    private void send(Report report, String broker, int queues, int messages) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer("live-producer");
        producer.setNamesrvAddr(namesrv);
        producer.setSendMsgTimeout(SEND_MILLIS);
        producer.start();
        for (int queue = 0; queue < queues; queue++) {
            for (int i = 0; i < messages; i++) {
                Message message = new Message(topic, "TagA", "key-" + queue + "-" + i, "hello".getBytes());
                message.putUserProperty("color", "blue");
                SendResult result = producer.send(message, new MessageQueue(topic, broker, queue));
                report.line("queue", queue, "offset", result.getQueueOffset(), "id", result.getMsgId(),
                        "place", result.getOffsetMsgId());
            }
        }
    }

    private void leave(int messages) throws Exception {
        CountDownLatch consumed = new CountDownLatch(messages);
        DefaultMQPushConsumer gone = consumer("live-gone", "*", counting(consumed));
        await(consumed);
        gone.setAwaitTerminationMillisWhenShutdown(TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS));
        gone.shutdown();
    }

    private void consume(int messages) throws Exception {
        CountDownLatch consumed = new CountDownLatch(messages);
        committing.add(consumer("live-consumed", "*", counting(consumed)));
        committing.add(consumer("live-filtered", "TagB || TagC", counting(new CountDownLatch(0))));
        CountDownLatch never = new CountDownLatch(1);
        committing.add(consumer("live-busy", "*", (list, context) -> {
            try {
                never.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return ConsumeConcurrentlyStatus.RECONSUME_LATER;
        }));
        DefaultMQPullConsumer pulling = new DefaultMQPullConsumer("live-pulling");
        pulling.setNamesrvAddr(namesrv);
        pulling.setRegisterTopics(Set.of(topic));
        pulling.start();
        for (MessageQueue queue : pulling.fetchSubscribeMessageQueues(topic)) {
            pulling.pull(queue, "*", 0, 1);
            pulling.getDefaultMQPullConsumerImpl().updateConsumeOffsetToBroker(queue, 1, false);
        }
        await(consumed);
    }

    private static void await(CountDownLatch consumed) throws InterruptedException {
        if (!consumed.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            throw new IllegalStateException(consumed.getCount() + " messages did not come");
        }
    }

    private static MessageListenerConcurrently counting(CountDownLatch consumed) {
        return (messages, context) -> {
            messages.forEach(message -> consumed.countDown());
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        };
    }

    private DefaultMQPushConsumer consumer(String group, String tags, MessageListenerConcurrently listener)
            throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group);
        consumer.setNamesrvAddr(namesrv);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, tags);
        consumer.registerMessageListener(listener);
        consumer.start();
        return consumer;
    }

    /** Sooner than the client's own timer, which first looks after ten seconds. */
    private void commit() {
        committing.forEach(consumer -> consumer.getDefaultMQPushConsumerImpl().persistConsumerOffset());
    }
}
