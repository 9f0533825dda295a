package mq.interop.spring;

import org.apache.rocketmq.spring.annotation.RocketMQTransactionListener;
import org.apache.rocketmq.spring.core.RocketMQLocalTransactionListener;
import org.apache.rocketmq.spring.core.RocketMQLocalTransactionState;
import org.apache.rocketmq.spring.support.RocketMQHeaders;
import org.springframework.messaging.Message;

/**
 * Ends each transaction as its message says, at once or when the broker asks. It may ask about those of the
 * other application, which is in the same producer group.
 */
@RocketMQTransactionListener
final class Endings implements RocketMQLocalTransactionListener {
    private final Report report;

    Endings(Report report) {
        this.report = report;
    }

    @Override
    public RocketMQLocalTransactionState executeLocalTransaction(Message message, Object ending) {
        return switch ((String) ending) {
            case "commit" -> RocketMQLocalTransactionState.COMMIT;
            case "rollback" -> RocketMQLocalTransactionState.ROLLBACK;
            default -> RocketMQLocalTransactionState.UNKNOWN;
        };
    }

    @Override
    public RocketMQLocalTransactionState checkLocalTransaction(Message message) {
        report.line("asked", message.getHeaders().get(RocketMQHeaders.PREFIX + RocketMQHeaders.TOPIC),
                "order", Long.valueOf((String) message.getHeaders().get("order")));
        return message.getHeaders().get("ending").equals("commit-later")
                ? RocketMQLocalTransactionState.COMMIT
                : RocketMQLocalTransactionState.ROLLBACK;
    }
}
