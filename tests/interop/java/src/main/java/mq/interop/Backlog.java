package mq.interop;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * {@code Backlog NAMESRV TOPIC THREADS}: for each line of standard input pulls the queues of TOPIC from
 * their beginning, 32 messages at a time, with THREADS threads that share the queues, until the next line
 * comes; answers with a line: how many messages came, and whether a thread reached the end of its queues.
 */
public final class Backlog {
    private static final int AT_ONCE = 32;

    private Backlog() {
    }

    public static void main(String[] args) throws Exception {
        int threads = Integer.parseInt(args[2]);
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer("backlog");
        consumer.setNamesrvAddr(args[0]);
        consumer.start();
        List<MessageQueue> queues = new ArrayList<>(consumer.fetchSubscribeMessageQueues(args[1]));
        System.out.println("ready");
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        while (lines.readLine() != null) {
            AtomicBoolean over = new AtomicBoolean();
            AtomicBoolean atEnd = new AtomicBoolean();
            AtomicReference<Throwable> failure = new AtomicReference<>();
            LongAdder pulled = new LongAdder();
            List<Thread> pullers = new ArrayList<>();
            for (int number = 0; number < threads; number++) {
                int first = number;
                Thread puller = new Thread(() -> {
                    try {
                        for (int queue = first; queue < queues.size(); queue += threads) {
                            pull(consumer, queues.get(queue), over, pulled);
                        }
                        atEnd.compareAndSet(false, !over.get());
                    } catch (Exception error) {
                        failure.set(error);
                    }
                });
                puller.start();
                pullers.add(puller);
            }
            lines.readLine();
            over.set(true);
            for (Thread puller : pullers) {
                puller.join();
            }
            if (failure.get() != null) {
                throw new IllegalStateException("a pull failed", failure.get());
            }
            System.out.println(pulled.sum() + " " + atEnd.get());
        }
        consumer.shutdown();
        System.exit(0);
    }

    private static void pull(DefaultMQPullConsumer consumer, MessageQueue queue, AtomicBoolean over,
            LongAdder pulled) throws Exception {
        long next = 0;
        while (!over.get()) {
            PullResult result = consumer.pull(queue, "*", next, AT_ONCE);
            if (result.getPullStatus() != PullStatus.FOUND) {
                return;
            }
            pulled.add(result.getMsgFoundList().size());
            next = result.getNextBeginOffset();
        }
    }
}
