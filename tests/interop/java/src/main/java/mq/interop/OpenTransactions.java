package mq.interop;

import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * {@code OpenTransactions NAMESRV TOPIC leave|settle OUT COUNT}. {@code leave} begins COUNT transactions and
 * leaves a third of them open: it says that it does not know until each was asked about twice.
 * {@code settle} commits what it is asked about, COUNT transactions, and waits whether it is asked about more.
 * OUT gets a line for each that is to be delivered, or that was asked about.
 */
public final class OpenTransactions implements TransactionListener {
    private static final long PATIENCE_MILLIS = 40_000;
    private static final long PAUSE_MILLIS = 100;
    /** Longer than the broker lets pass between two checks. */
    private static final long QUIET_MILLIS = 7_000;

    private final TransactionMQProducer producer = new TransactionMQProducer("interop-open");
    private final LocalTransactionState answer;
    private final Set<String> asked = ConcurrentHashMap.newKeySet();
    private final Set<String> askedAgain = ConcurrentHashMap.newKeySet();

    private OpenTransactions(String namesrv, LocalTransactionState answer) throws Exception {
        this.answer = answer;
        producer.setNamesrvAddr(namesrv);
        producer.setSendMsgTimeout(10_000);
        producer.setTransactionListener(this);
        producer.start();
    }

    public static void main(String[] args) throws Exception {
        int count = Integer.parseInt(args[4]);
        try (Report report = new Report(Path.of(args[3]))) {
            if (args[2].equals("leave")) {
                new OpenTransactions(args[0], LocalTransactionState.UNKNOW).leave(args[1], count, report);
            } else {
                new OpenTransactions(args[0], LocalTransactionState.COMMIT_MESSAGE).settle(args[1], count, report);
            }
        }
        System.exit(0);
    }

    private void leave(String topic, int count, Report report) throws Exception {
        LocalTransactionState[] states = {LocalTransactionState.COMMIT_MESSAGE,
            LocalTransactionState.ROLLBACK_MESSAGE, LocalTransactionState.UNKNOW};
        int open = 0;
        for (int i = 0; i < count; i++) {
            LocalTransactionState state = states[i % states.length];
            Message message = new Message(topic, "tag", "key-" + i, ("body " + i).getBytes());
            producer.sendMessageInTransaction(message, state);
            if (state != LocalTransactionState.ROLLBACK_MESSAGE) {
                report.line("key", "key-" + i, "left", state == LocalTransactionState.UNKNOW);
            }
            open += state == LocalTransactionState.UNKNOW ? 1 : 0;
        }
        until(askedAgain, open);
        producer.shutdown();
    }

    private void settle(String topic, int count, Report report) throws Exception {
        // Java's client makes itself known only to brokers that it has sent to.
        producer.send(new Message(topic + "-known", "known".getBytes()));
        until(asked, count);
        Thread.sleep(QUIET_MILLIS);
        for (String key : asked) {
            report.line("asked", key);
        }
        producer.shutdown();
    }

    private static void until(Set<String> keys, int count) throws Exception {
        long deadline = System.currentTimeMillis() + PATIENCE_MILLIS;
        while (keys.size() < count) {
            if (System.currentTimeMillis() > deadline) {
                throw new TimeoutException("the broker has asked about " + keys.size() + " of " + count);
            }
            Thread.sleep(PAUSE_MILLIS);
        }
    }

    @Override
    public LocalTransactionState executeLocalTransaction(Message message, Object state) {
        return (LocalTransactionState) state;
    }

    @Override
    public LocalTransactionState checkLocalTransaction(MessageExt message) {
        if (!asked.add(message.getKeys())) {
            askedAgain.add(message.getKeys());
        }
        return answer;
    }
}
