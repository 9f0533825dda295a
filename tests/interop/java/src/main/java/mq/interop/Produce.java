package mq.interop;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.RequestCallback;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.client.producer.selector.SelectMessageQueueByHash;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageClientIDSetter;

/** {@code Produce NAMESRV TOPIC KIND PLAN OUT}: sends a plan, writes a line per message. */
public final class Produce {
    /** Kinds that are sent as {@code sync} is, and say how bodies of more than 4 KiB are packed. */
    private static final Set<String> PACKED = Set.of("zlib", "zstd", "lz4");
    private static final int IN_FLIGHT = 32;
    private static final long PAUSE_MILLIS = 20;
    private static final long REPLY_MILLIS = 20_000;
    private static final int BATCH_MESSAGES = 32;
    private static final int BATCH_BYTES = 1024 * 1024;

    private final String topic;
    private final Plan plan;
    private final Report report;
    private final DefaultMQProducer producer = new DefaultMQProducer("interop-producer");

    private Produce(String namesrv, String topic, Plan plan, Report report) {
        this.topic = topic;
        this.plan = plan;
        this.report = report;
        producer.setNamesrvAddr(namesrv);
        producer.setSendMsgTimeout(10_000);
    }

    public static void main(String[] args) throws Exception {
        try (Report report = new Report(Path.of(args[4]))) {
            if (PACKED.contains(args[2])) {
                System.setProperty("rocketmq.message.compressType", args[2].toUpperCase(Locale.ROOT));
            }
            if (args[2].equals("transaction")) {
                new Transactions(args[0]).send(args[1], new Plan(Path.of(args[3])), report);
                System.exit(0);
            }
            Produce produce = new Produce(args[0], args[1], new Plan(Path.of(args[3])), report);
            produce.run(args[2]);
        }
        System.exit(0);
    }

    private void run(String kind) throws Exception {
        if (kind.equals("async")) {
            producer.setCompressMsgBodyOverHowmuch(Integer.MAX_VALUE);
        }
        producer.start();
        switch (kind) {
            case "sync", "zlib", "zstd", "lz4" -> sync(0);
            case "paced" -> sync(PAUSE_MILLIS);
            case "async" -> async();
            case "oneway" -> oneway();
            case "batch" -> batch();
            case "hash" -> hash();
            case "request", "request-empty" -> request(kind.equals("request-empty"));
            case "request-callback" -> requestWithCallback();
            case "levels" -> new Later(producer, report).levels(topic, plan);
            case "times" -> new Later(producer, report).times(topic, plan);
            default -> throw new IllegalArgumentException(kind);
        }
        producer.shutdown();
    }

    private void sync(long pause) throws Exception {
        for (Plan.Entry entry : plan.entries) {
            Thread.sleep(pause);
            sent(entry.index(), producer.send(plan.message(topic, entry)));
        }
    }

    private void async() throws Exception {
        Semaphore room = new Semaphore(IN_FLIGHT);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        for (Plan.Entry entry : plan.entries) {
            room.acquire();
            producer.send(plan.message(topic, entry), new SendCallback() {
                @Override
                public void onSuccess(SendResult result) {
                    sent(entry.index(), result);
                    room.release();
                }

                @Override
                public void onException(Throwable error) {
                    failure.set(error);
                    room.release();
                }
            });
        }
        room.acquire(IN_FLIGHT);
        if (failure.get() != null) {
            throw new IllegalStateException("an asynchronous send failed", failure.get());
        }
    }

    private void oneway() throws Exception {
        for (Plan.Entry entry : plan.entries) {
            Message message = plan.message(topic, entry);
            producer.sendOneway(message);
            report.line("index", entry.index(), "id", MessageClientIDSetter.getUniqID(message));
        }
    }

    private void batch() throws Exception {
        List<Plan.Entry> batch = new ArrayList<>();
        int bytes = 0;
        for (Plan.Entry entry : plan.entries) {
            if (batch.size() == BATCH_MESSAGES || (!batch.isEmpty() && bytes + entry.size() > BATCH_BYTES)) {
                sendBatch(batch);
                batch.clear();
                bytes = 0;
            }
            batch.add(entry);
            bytes += entry.size();
        }
        sendBatch(batch);
    }

    private void sendBatch(List<Plan.Entry> batch) throws Exception {
        List<Message> messages = new ArrayList<>();
        for (Plan.Entry entry : batch) {
            messages.add(plan.message(topic, entry));
        }
        SendResult result = producer.send(messages);
        for (int i = 0; i < batch.size(); i++) {
            report.line("index", batch.get(i).index(), "queue", result.getMessageQueue().getQueueId(),
                    "offset", result.getQueueOffset() + i);
        }
    }

    private void hash() throws Exception {
        SelectMessageQueueByHash selector = new SelectMessageQueueByHash();
        for (Plan.Entry entry : plan.entries) {
            sent(entry.index(), producer.send(plan.message(topic, entry), selector, entry.shard()));
        }
    }

    /** Whoever handles a request replies with what it asks, or with nothing. */
    private void request(boolean empty) throws Exception {
        for (Plan.Entry entry : plan.entries) {
            Message request = plan.message(topic, entry);
            byte[] wanted = empty ? new byte[0] : request.getBody();
            replied(entry, request, wanted, producer.request(request, REPLY_MILLIS));
        }
    }

    /** The callback of 5.3.3 is called with {@code null} once the request is sent, and then with the reply. */
    private void requestWithCallback() throws Exception {
        for (Plan.Entry entry : plan.entries) {
            Message request = plan.message(topic, entry);
            byte[] wanted = request.getBody();
            CompletableFuture<Message> reply = new CompletableFuture<>();
            producer.request(request, new RequestCallback() {
                @Override
                public void onSuccess(Message message) {
                    if (message != null) {
                        reply.complete(message);
                    }
                }

                @Override
                public void onException(Throwable error) {
                    reply.completeExceptionally(error);
                }
            }, REPLY_MILLIS);
            replied(entry, request, wanted, reply.get(REPLY_MILLIS, TimeUnit.MILLISECONDS));
        }
    }

    private void replied(Plan.Entry entry, Message request, byte[] wanted, Message reply) {
        byte[] body = reply == null ? null : reply.getBody();
        if (!Arrays.equals(wanted, body == null && reply != null ? new byte[0] : body)) {
            throw new IllegalStateException("message " + entry.index() + " got the reply " + reply);
        }
        report.line("index", entry.index(), "id", MessageClientIDSetter.getUniqID(request));
    }

    private void sent(String index, SendResult result) {
        if (result.getSendStatus() != SendStatus.SEND_OK) {
            throw new IllegalStateException("message " + index + ": " + result);
        }
        report.line("index", index, "id", result.getMsgId(),
                "queue", result.getMessageQueue().getQueueId(), "offset", result.getQueueOffset());
    }
}
