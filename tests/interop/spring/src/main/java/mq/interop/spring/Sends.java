package mq.interop.spring;

import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.spring.core.RocketMQLocalRequestCallback;
import org.apache.rocketmq.spring.core.RocketMQTemplate;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.messaging.Message;
import org.springframework.messaging.support.MessageBuilder;
import org.springframework.stereotype.Component;

/** Sends the orders once for each kind, in the ways that the template has for it. */
@Component
final class Sends {
    private static final String[] TAGS = {"TagA", "TagB", "TagC"};
    private static final String[] ENDINGS = {"commit", "commit-later", "rollback", "rollback-later"};
    private static final long[] LEVEL_MILLIS = {1_000, 5_000};
    private static final long MILLIS = 20_000;

    private final RocketMQTemplate template;
    private final Report report;
    private final String to;
    private final List<String> kinds;
    private final Path orders;

    Sends(RocketMQTemplate template, Report report, @Value("${interop.mine}") String to,
            @Value("${interop.kinds}") List<String> kinds, @Value("${interop.orders}") Path orders) {
        this.template = template;
        this.report = report;
        this.to = to;
        this.kinds = kinds;
        this.orders = orders;
    }

    void everything() throws Exception {
        List<Order> all = new ArrayList<>();
        for (String line : Files.readAllLines(orders, StandardCharsets.UTF_8)) {
            all.add(report.order(line));
        }
        for (String kind : kinds) {
            if (kind.equals("batch")) {
                batch(to + "-batch", all);
                continue;
            }
            for (int number = 0; number < all.size(); number++) {
                one(kind, number, all.get(number));
            }
        }
    }

    private void batch(String topic, List<Order> all) {
        SendResult result = template.syncSend(topic, all.stream().map(Sends::message).toList());
        if (result.getSendStatus() != SendStatus.SEND_OK) {
            throw new IllegalStateException(result.toString());
        }
        int queue = result.getMessageQueue().getQueueId();
        for (int number = 0; number < all.size(); number++) {
            report.line("sent", "batch", "order", all.get(number).id(), "queue", queue,
                    "offset", result.getQueueOffset() + number);
        }
    }

    private void one(String kind, int number, Order order) throws Exception {
        String topic = to + "-" + kind;
        switch (kind) {
            case "typed" -> typed(topic + ":" + TAGS[number % TAGS.length], number, order);
            case "text" -> template.convertAndSend(topic, order.product());
            case "orderly" -> sent(kind, order, template.syncSendOrderly(topic, message(order), order.shard()), 0);
            case "levels" -> {
                int level = number % LEVEL_MILLIS.length;
                long due = System.currentTimeMillis() + LEVEL_MILLIS[level];
                sent(kind, order, template.syncSend(topic, message(order), MILLIS, level + 1), due);
            }
            case "times" -> later(topic, number, order);
            case "transaction" -> inTransaction(topic, ENDINGS[number % ENDINGS.length], order);
            case "request" ->
                replied(kind, order, template.sendAndReceive(topic, order, Receipt.class, order.shard(), MILLIS));
            case "request-callback" -> replied(kind, order, requestWithCallback(to + "-request", order));
            case "greeting" -> replied(kind, order, template.sendAndReceive(topic, order.product(), String.class, MILLIS));
            default -> sent(kind, order, template.syncSend(topic, order), 0);
        }
    }

    private static Message<Order> message(Order order) {
        return MessageBuilder.withPayload(order).setHeader("KEYS", "order-" + order.id())
                .setHeader("color", "绿色").build();
    }

    private void typed(String destination, int number, Order order) throws Exception {
        switch (number % 3) {
            case 0 -> sent("typed", order, template.syncSend(destination, message(order)), 0);
            case 1 -> {
                CompletableFuture<SendResult> outcome = new CompletableFuture<>();
                template.asyncSend(destination, message(order), new SendCallback() {
                    @Override
                    public void onSuccess(SendResult result) {
                        outcome.complete(result);
                    }

                    @Override
                    public void onException(Throwable error) {
                        outcome.completeExceptionally(error);
                    }
                });
                sent("typed", order, outcome.get(), 0);
            }
            default -> {
                template.sendOneWay(destination, message(order));
                report.line("sent", "typed", "order", order.id());
            }
        }
    }

    private void later(String topic, int number, Order order) throws Exception {
        long now = System.currentTimeMillis();
        switch (number % 3) {
            case 0 -> at("syncSendDelayTimeSeconds", topic, order, 2, now + 2_000);
            case 1 -> at("syncSendDelayTimeMills", topic, order, 1_500, now + 1_500);
            default -> at("syncSendDeliverTimeMills", topic, order, now + 2_500, now + 2_500);
        }
    }

    /** By name: 2.2.0 has none of them. */
    private void at(String way, String topic, Order order, long time, long due) throws Exception {
        try {
            Object result = RocketMQTemplate.class.getMethod(way, String.class, Object.class, long.class)
                    .invoke(template, topic, order, time);
            sent("times", order, (SendResult) result, due);
        } catch (InvocationTargetException error) {
            throw new IllegalStateException(way, error.getCause());
        }
    }

    private void inTransaction(String topic, String ending, Order order) {
        Message<Order> message = MessageBuilder.fromMessage(message(order)).setHeader("ending", ending)
                .setHeader("order", order.id()).build();
        sent("transaction", order, template.sendMessageInTransaction(topic, message, ending), 0);
    }

    private Receipt requestWithCallback(String topic, Order order) throws Exception {
        CompletableFuture<Receipt> outcome = new CompletableFuture<>();
        template.sendAndReceive(topic, order, new RocketMQLocalRequestCallback<Receipt>() {
            @Override
            public void onSuccess(Receipt receipt) {
                outcome.complete(receipt);
            }

            @Override
            public void onException(Throwable error) {
                outcome.completeExceptionally(error);
            }
        }, MILLIS);
        return outcome.get();
    }

    private void replied(String kind, Order order, Object reply) {
        report.line("replied", kind, "order", order.id(), "reply", reply);
    }

    private void sent(String kind, Order order, SendResult result, long due) {
        if (result.getSendStatus() != SendStatus.SEND_OK) {
            throw new IllegalStateException(kind + " " + order.id() + ": " + result);
        }
        report.line("sent", kind, "order", order.id(), "id", result.getMsgId(),
                "queue", result.getMessageQueue().getQueueId(), "offset", result.getQueueOffset(), "due", due);
    }
}
