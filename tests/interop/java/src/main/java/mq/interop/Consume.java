package mq.interop;

import java.nio.file.Path;
import java.util.zip.CRC32;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * {@code Consume NAMESRV TOPIC GROUP MODE EXPRESSION MEMBER OUT}: writes a line per delivery until
 * its standard input ends.
 */
public final class Consume {
    private static final int ATTEMPTS = 3;
    private static final int REPLY_MILLIS = 10_000;
    private static final int BATCH_MESSAGES = 32;

    private Consume() {
    }

    public static void main(String[] args) throws Exception {
        String mode = args[3];
        try (Report report = new Report(Path.of(args[6]))) {
            if (mode.startsWith("lite-pull")) {
                LitePull.run(args, report);
                System.exit(0);
            }
            DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(args[2]);
            consumer.setNamesrvAddr(args[0]);
            consumer.setInstanceName(args[5]);
            consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
            consumer.setSuspendCurrentQueueTimeMillis(200);
            consumer.setPollNameServerInterval(2_000);
            if (mode.contains("batch")) {
                consumer.setConsumeMessageBatchMaxSize(BATCH_MESSAGES);
            }
            if (mode.equals("broadcast")) {
                broadcast(consumer);
            }
            if (mode.equals("sql")) {
                consumer.subscribe(args[1], MessageSelector.bySql(args[4]));
            } else {
                consumer.subscribe(args[1], args[4]);
            }
            boolean retry = mode.startsWith("retry");
            int level = switch (mode) {
                case "retry-by-broker" -> 0;
                case "retry-choice" -> 2;
                default -> 1;
            };
            if (mode.equals("reply")) {
                DefaultMQProducer replies = new DefaultMQProducer("interop-replies");
                replies.setNamesrvAddr(args[0]);
                replies.setInstanceName(args[5] + "-replies");
                replies.setSendMsgTimeout(REPLY_MILLIS);
                replies.start();
                consumer.registerMessageListener(replying(report, replies));
            } else if (mode.equals("dead")) {
                consumer.registerMessageListener(givingUp(report));
            } else if (mode.equals("uncommitted-orderly")) {
                consumer.registerMessageListener(committing(report));
            } else if (mode.endsWith("orderly")) {
                consumer.registerMessageListener(orderly(report, retry));
            } else {
                consumer.registerMessageListener(concurrently(report, retry, level));
            }
            consumer.start();
            report.line("ready", true);
            while (System.in.read() >= 0) {
                continue;
            }
            consumer.shutdown();
        }
        System.exit(0);
    }

    /** Without naming the type of the model, which has another package in 4.9 than in 5. */
    private static void broadcast(DefaultMQPushConsumer consumer) {
        var clustering = consumer.getMessageModel();
        consumer.setMessageModel(Enum.valueOf(clustering.getDeclaringClass(), "BROADCASTING"));
    }

    private static MessageListenerConcurrently concurrently(Report report, boolean retry, int level) {
        return (messages, context) -> {
            context.setDelayLevelWhenNextConsume(level);
            together(report, messages.size());
            boolean again = false;
            for (MessageExt message : messages) {
                received(report, message);
                again |= retry && wanted(message);
            }
            return again ? ConsumeConcurrentlyStatus.RECONSUME_LATER : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        };
    }

    /** Gives some messages up, until they were sent again. */
    private static MessageListenerConcurrently givingUp(Report report) {
        return (messages, context) -> {
            context.setDelayLevelWhenNextConsume(-1);
            boolean dead = false;
            for (MessageExt message : messages) {
                received(report, message);
                dead |= "again".equals(message.getUserProperty("color"))
                        && message.getUserProperty("RESENT_DEAD_LETTERS") == null;
            }
            return dead ? ConsumeConcurrentlyStatus.RECONSUME_LATER : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        };
    }

    /** Replies with what is asked. */
    private static MessageListenerConcurrently replying(Report report, DefaultMQProducer replies) {
        return (messages, context) -> {
            for (MessageExt message : messages) {
                received(report, message);
                try {
                    replies.send(MessageUtil.createReplyMessage(message, message.getBody()));
                } catch (Exception error) {
                    throw new IllegalStateException(error);
                }
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        };
    }

    private static MessageListenerOrderly orderly(Report report, boolean retry) {
        return (messages, context) -> {
            boolean again = false;
            for (MessageExt message : messages) {
                received(report, message);
                again |= retry && wanted(message);
            }
            return again ? ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT : ConsumeOrderlyStatus.SUCCESS;
        };
    }

    /** Leaves every third message uncommitted until the next one is committed. */
    private static MessageListenerOrderly committing(Report report) {
        return (messages, context) -> {
            context.setAutoCommit(false);
            received(report, messages.get(0));
            boolean left = Integer.parseInt(messages.get(0).getUserProperty("index")) % 3 == 0;
            return left ? ConsumeOrderlyStatus.SUCCESS : ConsumeOrderlyStatus.COMMIT;
        };
    }

    private static void together(Report report, int count) {
        if (count > 1) {
            report.line("together", count);
        }
    }

    private static boolean wanted(MessageExt message) {
        return "again".equals(message.getUserProperty("color")) && message.getReconsumeTimes() < ATTEMPTS - 1;
    }

    static void received(Report report, MessageExt message) {
        CRC32 crc = new CRC32();
        crc.update(message.getBody());
        report.line("id", message.getMsgId(), "queue", message.getQueueId(), "offset", message.getQueueOffset(),
                "topic", message.getTopic(), "key", message.getKeys(), "tag", message.getTags(),
                "index", message.getUserProperty("index"), "color", message.getUserProperty("color"),
                "attempt", message.getReconsumeTimes(), "size", message.getBody().length, "crc", crc.getValue(),
                "stored", message.getStoreTimestamp(), "waited", System.currentTimeMillis() - message.getBornTimestamp());
    }
}
