package mq.interop;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.producer.TransactionSendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * Sends a plan in transactions: of three messages one is committed at once, one when the broker asks, and
 * one after another message was rolled back and a further one when the broker asks.
 */
final class Transactions implements TransactionListener {
    /** The index of messages that nobody may get. */
    private static final String ROLLED_BACK = "rolled-back";
    private static final long PATIENCE_MILLIS = 60_000;
    private static final long PAUSE_MILLIS = 100;
    /** One-way ends have left by then. */
    private static final long LAST_END_MILLIS = 1_000;

    private final TransactionMQProducer producer = new TransactionMQProducer("interop-producer");
    private final Set<String> left = ConcurrentHashMap.newKeySet();

    Transactions(String namesrv) {
        producer.setNamesrvAddr(namesrv);
        producer.setSendMsgTimeout(10_000);
        producer.setTransactionListener(this);
    }

    void send(String topic, Plan plan, Report report) throws Exception {
        producer.start();
        int number = 0;
        for (Plan.Entry entry : plan.entries) {
            boolean known = number % 3 != 1;
            if (number % 3 == 2) {
                end(rolledBack(plan.message(topic, entry)), LocalTransactionState.ROLLBACK_MESSAGE);
                end(rolledBack(plan.message(topic, entry)), LocalTransactionState.UNKNOW);
            }
            LocalTransactionState state =
                    known ? LocalTransactionState.COMMIT_MESSAGE : LocalTransactionState.UNKNOW;
            report.line("index", entry.index(), "id", end(plan.message(topic, entry), state).getMsgId());
            number++;
        }
        long deadline = System.currentTimeMillis() + PATIENCE_MILLIS;
        while (!left.isEmpty()) {
            if (System.currentTimeMillis() > deadline) {
                throw new TimeoutException("the broker has not asked about " + left);
            }
            Thread.sleep(PAUSE_MILLIS);
        }
        Thread.sleep(LAST_END_MILLIS);
        producer.shutdown();
    }

    private static Message rolledBack(Message message) {
        message.putUserProperty("index", ROLLED_BACK);
        return message;
    }

    private TransactionSendResult end(Message message, LocalTransactionState state) throws Exception {
        TransactionSendResult result = producer.sendMessageInTransaction(message, state);
        if (result.getLocalTransactionState() != state) {
            throw new IllegalStateException("a transaction ended as " + result);
        }
        return result;
    }

    @Override
    public LocalTransactionState executeLocalTransaction(Message message, Object state) {
        if (state == LocalTransactionState.UNKNOW) {
            left.add(message.getTransactionId());
        }
        return (LocalTransactionState) state;
    }

    @Override
    public LocalTransactionState checkLocalTransaction(MessageExt message) {
        left.remove(message.getTransactionId());
        return ROLLED_BACK.equals(message.getUserProperty("index"))
                ? LocalTransactionState.ROLLBACK_MESSAGE : LocalTransactionState.COMMIT_MESSAGE;
    }
}
