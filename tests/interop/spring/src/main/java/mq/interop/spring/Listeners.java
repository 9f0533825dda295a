package mq.interop.spring;

import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.spring.annotation.ConsumeMode;
import org.apache.rocketmq.spring.annotation.RocketMQMessageListener;
import org.apache.rocketmq.spring.core.RocketMQListener;
import org.apache.rocketmq.spring.core.RocketMQPushConsumerLifecycleListener;
import org.apache.rocketmq.spring.core.RocketMQReplyListener;
import org.springframework.stereotype.Service;

/** What comes from the other application: a topic and a group for each kind. */
final class Listeners {
    private static final int ATTEMPTS = 3;

    private Listeners() {
    }

    /** The payload and nothing else. */
    @Service
    @RocketMQMessageListener(topic = "${interop.theirs}-typed", consumerGroup = "${interop.theirs}-typed")
    static final class Typed implements RocketMQListener<Order> {
        private final Report report;

        Typed(Report report) {
            this.report = report;
        }

        @Override
        public void onMessage(Order order) {
            report.line("came", "typed", "order", order);
        }
    }

    @Service
    @RocketMQMessageListener(topic = "${interop.theirs}-text", consumerGroup = "${interop.theirs}-text")
    static final class Text implements RocketMQListener<String> {
        private final Report report;

        Text(Report report) {
            this.report = report;
        }

        @Override
        public void onMessage(String text) {
            report.line("came", "text", "text", text);
        }
    }

    /** Reports whole messages. */
    private abstract static class Whole implements RocketMQListener<MessageExt> {
        final Report report;
        private final String kind;

        Whole(Report report, String kind) {
            this.report = report;
            this.kind = kind;
        }

        @Override
        public void onMessage(MessageExt message) {
            report.came(kind, message);
        }
    }

    @Service
    @RocketMQMessageListener(topic = "${interop.theirs}-typed", consumerGroup = "${interop.theirs}-tagged",
            selectorExpression = "TagA || TagC")
    static final class Tagged extends Whole {
        Tagged(Report report) {
            super(report, "tagged");
        }
    }

    @Service
    @RocketMQMessageListener(topic = "${interop.theirs}-orderly", consumerGroup = "${interop.theirs}-orderly",
            consumeMode = ConsumeMode.ORDERLY)
    static final class Orderly extends Whole {
        Orderly(Report report) {
            super(report, "orderly");
        }
    }

    @Service
    @RocketMQMessageListener(topic = "${interop.theirs}-batch", consumerGroup = "${interop.theirs}-batch")
    static final class Batch extends Whole {
        Batch(Report report) {
            super(report, "batch");
        }
    }

    @Service
    @RocketMQMessageListener(topic = "${interop.theirs}-levels", consumerGroup = "${interop.theirs}-levels")
    static final class Levels extends Whole {
        Levels(Report report) {
            super(report, "levels");
        }
    }

    @Service
    @RocketMQMessageListener(topic = "${interop.theirs}-times", consumerGroup = "${interop.theirs}-times")
    static final class Times extends Whole {
        Times(Report report) {
            super(report, "times");
        }
    }

    @Service
    @RocketMQMessageListener(topic = "${interop.theirs}-transaction", consumerGroup = "${interop.theirs}-transaction")
    static final class Transactions extends Whole {
        Transactions(Report report) {
            super(report, "transaction");
        }
    }

    /** Every other order only in its third attempt. */
    @Service
    @RocketMQMessageListener(topic = "${interop.theirs}-retry", consumerGroup = "${interop.theirs}-retry")
    static final class Retry extends Whole {
        Retry(Report report) {
            super(report, "retry");
        }

        @Override
        public void onMessage(MessageExt message) {
            super.onMessage(message);
            if (report.order(message).id() % 2 == 0 && message.getReconsumeTimes() < ATTEMPTS - 1) {
                throw new IllegalStateException("not yet");
            }
        }
    }

    /** Nothing that was not a dead letter before; there is one more attempt. */
    @Service
    @RocketMQMessageListener(topic = "${interop.theirs}-dead", consumerGroup = "${interop.theirs}-dead")
    static final class Dead extends Whole implements RocketMQPushConsumerLifecycleListener {
        Dead(Report report) {
            super(report, "dead");
        }

        /** The annotation of 2.2.0 cannot say it. */
        @Override
        public void prepareStart(DefaultMQPushConsumer consumer) {
            consumer.setMaxReconsumeTimes(1);
        }

        @Override
        public void onMessage(MessageExt message) {
            super.onMessage(message);
            if (message.getUserProperty("RESENT_DEAD_LETTERS") == null) {
                throw new IllegalStateException("not yet");
            }
        }
    }

    @Service
    @RocketMQMessageListener(topic = "${interop.theirs}-request", consumerGroup = "${interop.theirs}-request")
    static final class Requests implements RocketMQReplyListener<Order, Receipt> {
        @Override
        public Receipt onMessage(Order order) {
            return order.receipt();
        }
    }

    @Service
    @RocketMQMessageListener(topic = "${interop.theirs}-greeting", consumerGroup = "${interop.theirs}-greeting")
    static final class Greetings implements RocketMQReplyListener<String, String> {
        @Override
        public String onMessage(String name) {
            return "hello " + name;
        }
    }
}
