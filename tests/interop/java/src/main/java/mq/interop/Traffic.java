package mq.interop;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.netty.NettyClientConfig;
import org.apache.rocketmq.remoting.netty.NettyRemotingClient;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/**
 * Makes a client and the admin tool send every request that the golden frames show, once or twice.
 *
 * <p>Usage: {@code Traffic NAMESRV BROKER CLUSTER}. With the property
 * {@code org.apache.rocketmq.client.sendSmartMsg=false} it only sends one message, by code 10.
 */
public final class Traffic {
    private static final String TOPIC = "golden";
    private static final String ORDERED = "golden-ordered";
    private static final String GROUP = "golden-consumer";

    private final String namesrv;
    private final String broker;
    private final String cluster;
    private final List<String> failures = Collections.synchronizedList(new ArrayList<>());

    private Traffic(String namesrv, String broker, String cluster) {
        this.namesrv = namesrv;
        this.broker = broker;
        this.cluster = cluster;
    }

    /** One step, whose failure is told at the end and stops nothing. */
    private interface Step {
        void run() throws Exception;
    }

    private void step(String name, Step step) {
        try {
            step.run();
        } catch (Exception | LinkageError e) {
            failures.add(name + ": " + e);
        }
    }

    public static void main(String[] args) throws Exception {
        Traffic traffic = new Traffic(args[0], args[1], args[2]);
        if ("false".equals(System.getProperty("org.apache.rocketmq.client.sendSmartMsg"))) {
            traffic.step("long header names", traffic::plainSend);
        } else {
            traffic.everything();
        }
        traffic.failures.forEach(failure -> System.out.println("not shown: " + failure));
        System.exit(0);
    }

    private void plainSend() throws Exception {
        DefaultMQProducer producer = producer("golden-plain");
        producer.send(message(TOPIC, "TagA", "plain-1", "sent with long names"));
        producer.shutdown();
    }

    private void everything() throws Exception {
        DefaultMQAdminExt admin = new DefaultMQAdminExt(10_000);
        admin.setNamesrvAddr(namesrv);
        admin.setInstanceName("golden-admin");
        admin.start();
        topics(admin);
        SendResult sent = clients(admin);
        lookUps(admin, sent);
        step("transaction", this::transaction);
        step("request and reply", this::requestAndReply);
        nameServer(admin);
        step("without a client", this::plainRequests);
        step("delete topic in broker", () -> admin.deleteTopicInBroker(Set.of(broker), "golden-gone"));
        step("delete topic in name server", () -> admin.deleteTopicInNameServer(Set.of(namesrv), cluster, "golden-gone"));
        step("delete group", () -> admin.deleteSubscriptionGroup(broker, "golden-group-gone"));
        admin.shutdown();
    }

    private void topics(DefaultMQAdminExt admin) {
        for (String topic : List.of(TOPIC, ORDERED, "golden-gone")) {
            step("create " + topic, () -> admin.createAndUpdateTopicConfig(broker, new TopicConfig(topic, 4, 4, 6)));
        }
        step("group", () -> {
            var config = admin.examineSubscriptionGroupConfig(broker, "TOOLS_CONSUMER");
            config.setGroupName("golden-group-gone");
            config.setRetryMaxTimes(5);
            admin.createAndUpdateSubscriptionGroupConfig(broker, config);
        });
        step("route", () -> admin.examineTopicRouteInfo(TOPIC));
        step("no route", () -> admin.examineTopicRouteInfo("nobody-made-this"));
    }

    private SendResult clients(DefaultMQAdminExt admin) throws Exception {
        CountDownLatch consumed = new CountDownLatch(5);
        MessageListenerConcurrently concurrently = (messages, context) -> {
            consumed.countDown();
            return "again".equals(messages.get(0).getTags()) && messages.get(0).getReconsumeTimes() == 0
                    ? ConsumeConcurrentlyStatus.RECONSUME_LATER
                    : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        };
        MessageListenerOrderly orderly = (messages, context) -> {
            consumed.countDown();
            return ConsumeOrderlyStatus.SUCCESS;
        };
        DefaultMQProducer producer = producer("golden-producer");
        SendResult sent = producer.send(message(TOPIC, "TagA", "order-1", "first"));
        producer.send(List.of(message(TOPIC, "TagA", "order-2", "second"), message(TOPIC, "TagB", "order-3", "third")));
        producer.sendOneway(message(TOPIC, "TagB", "order-4", "fourth"));
        producer.send(message(TOPIC, "again", "order-5", "fifth"));
        producer.send(message(ORDERED, "TagA", "order-6", "sixth"), new MessageQueue(ORDERED, "broker-a", 1));

        DefaultMQPushConsumer first = consumer(GROUP, "one");
        first.subscribe(TOPIC, "TagA || TagB || again");
        first.registerMessageListener(concurrently);
        first.start();
        DefaultMQPushConsumer second = consumer("golden-orderly", "ordered");
        second.subscribe(ORDERED, "*");
        second.registerMessageListener(orderly);
        second.start();
        step("consumed", () -> consumed.await(20, TimeUnit.SECONDS));
        DefaultMQPushConsumer joined = consumer(GROUP, "two");
        joined.subscribe(TOPIC, "TagA || TagB || again");
        joined.registerMessageListener(concurrently);
        joined.start();
        step("sql filter", () -> {
            DefaultMQPushConsumer filtered = consumer("golden-sql", "sql");
            filtered.subscribe(TOPIC, MessageSelector.bySql("color = 'blue'"));
            filtered.registerMessageListener(concurrently);
            filtered.start();
            TimeUnit.SECONDS.sleep(2);
            filtered.shutdown();
        });
        step("lite pull", this::litePull);
        TimeUnit.SECONDS.sleep(6);
        groups(admin, first);
        joined.shutdown();
        second.shutdown();
        first.shutdown();
        producer.shutdown();
        return sent;
    }

    private void litePull() throws Exception {
        DefaultLitePullConsumer lite = new DefaultLitePullConsumer("golden-lite");
        lite.setNamesrvAddr(namesrv);
        lite.setInstanceName("lite");
        lite.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        lite.subscribe(TOPIC, "*");
        lite.start();
        for (int i = 0; i < 4; i++) {
            lite.poll(1_000);
        }
        lite.commitSync();
        lite.shutdown();
    }

    private void groups(DefaultMQAdminExt admin, DefaultMQPushConsumer consumer) {
        String clientId = consumer.buildMQClientId();
        step("consumer connections", () -> admin.examineConsumerConnectionInfo(GROUP));
        step("producer connections", () -> admin.examineProducerConnectionInfo("golden-producer", TOPIC));
        step("running info", () -> admin.getConsumerRunningInfo(GROUP, online(admin), false));
        step("consume stats", () -> admin.examineConsumeStats(GROUP));
        step("who consumes", () -> admin.queryTopicConsumeByWho(TOPIC));
        step("consumer status", () -> admin.getConsumeStatus(TOPIC, GROUP, ""));
        step("time span", () -> admin.queryConsumeTimeSpan(TOPIC, GROUP));
        step("reset offset", () -> admin.resetOffsetByTimestamp(TOPIC, GROUP, 0, true));
        step("directly", () -> {
            MessageExt found = admin.queryMessage(TOPIC, "order-1", 10, 0, System.currentTimeMillis() + 60_000)
                    .getMessageList().get(0);
            admin.consumeMessageDirectly(GROUP, online(admin), TOPIC, found.getMsgId());
        });
        step("client " + clientId, () -> TimeUnit.SECONDS.sleep(1));
    }

    private String online(DefaultMQAdminExt admin) throws Exception {
        return admin.examineConsumerConnectionInfo(GROUP).getConnectionSet().iterator().next().getClientId();
    }

    private void lookUps(DefaultMQAdminExt admin, SendResult sent) {
        MessageQueue queue = sent.getMessageQueue();
        step("min", () -> admin.minOffset(queue));
        step("max", () -> admin.maxOffset(queue));
        step("by time", () -> admin.searchOffset(queue, System.currentTimeMillis() - 60_000));
        step("earliest", () -> admin.earliestMsgStoreTime(queue));
        step("by id", () -> admin.viewMessage(TOPIC, sent.getOffsetMsgId()));
        step("by key", () -> admin.queryMessage(TOPIC, "order-1", 10, 0, System.currentTimeMillis() + 60_000));
        step("by absent key", () -> admin.queryMessage(TOPIC, "absent", 10, 0, System.currentTimeMillis()));
        step("runtime info", () -> admin.fetchBrokerRuntimeStats(broker));
        step("broker config", () -> admin.getBrokerConfig(broker));
        step("topic stats", () -> admin.examineTopicStats(TOPIC));
        step("all topics", () -> admin.getAllTopicConfig(broker, 10_000));
        step("all groups", () -> admin.getAllSubscriptionGroup(broker, 10_000));
        step("system topics of the broker", () -> admin.getTopicClusterList(TOPIC));
        step("statistics", () -> admin.viewBrokerStatsData(broker, "TOPIC_PUT_NUMS", TOPIC));
        step("consume stats of the broker", () -> admin.fetchConsumeStatsInBroker(broker, false, 10_000));
        step("store an offset", () -> admin.updateConsumeOffset(broker, GROUP, queue, 1));
        step("consume queue", () -> admin.queryConsumeQueue(broker, TOPIC, queue.getQueueId(), 0, 10, GROUP));
    }

    private void nameServer(DefaultMQAdminExt admin) {
        step("clusters", admin::examineBrokerClusterInfo);
        step("all topics of the name server", admin::fetchAllTopicList);
        step("topics of a cluster", () -> admin.fetchTopicsByCLuster(cluster));
        step("put key-value", () -> admin.createAndUpdateKvConfig("GOLDEN", "color", "blue"));
        step("get key-value", () -> admin.getKVConfig("GOLDEN", "color"));
        step("list key-value", () -> admin.getKVListByNamespace("GOLDEN"));
        step("delete key-value", () -> admin.deleteKvConfig("GOLDEN", "color"));
        step("absent key-value", () -> admin.getKVConfig("GOLDEN", "color"));
        step("name server config", () -> admin.getNameServerConfig(List.of(namesrv)));
        step("wipe write permission", () -> admin.wipeWritePermOfBroker(namesrv, "broker-a"));
        step("add write permission", () -> admin.addWritePermOfBroker(namesrv, "broker-a"));
    }

    /** Requests that neither clients nor the admin tool send: written by Apache's remoting alone. */
    private void plainRequests() throws Exception {
        NettyRemotingClient remoting = new NettyRemotingClient(new NettyClientConfig());
        remoting.start();
        ask(remoting, broker, 352, Map.of("group", "TOOLS_CONSUMER"), null);
        ask(remoting, broker, 9_999, Map.of(), null);
        ask(remoting, namesrv, 304, Map.of(), null);
        String route = "{\"brokerDatas\":[],\"filterServerTable\":{},\"queueDatas\":[{\"brokerName\":\"broker-a\","
                + "\"perm\":6,\"readQueueNums\":4,\"topicSysFlag\":0,\"writeQueueNums\":4}]}";
        ask(remoting, namesrv, 217, Map.of("topic", "golden-registered"), route);
        remoting.shutdown();
    }

    private void ask(NettyRemotingClient remoting, String server, int code, Map<String, String> fields, String body) {
        step("code " + code, () -> {
            RemotingCommand request = RemotingCommand.createRequestCommand(code, null);
            fields.forEach(request::addExtField);
            request.setBody(body == null ? null : body.getBytes(StandardCharsets.UTF_8));
            remoting.invokeSync(server, request, 10_000);
        });
    }

    private void transaction() throws Exception {
        CountDownLatch checked = new CountDownLatch(1);
        TransactionMQProducer producer = new TransactionMQProducer("golden-transaction");
        producer.setNamesrvAddr(namesrv);
        producer.setInstanceName("transaction");
        producer.setTransactionListener(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
                return LocalTransactionState.UNKNOW;
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt message) {
                checked.countDown();
                return LocalTransactionState.COMMIT_MESSAGE;
            }
        });
        producer.start();
        producer.sendMessageInTransaction(message(TOPIC, "TagA", "order-7", "half"), null);
        checked.await(20, TimeUnit.SECONDS);
        TimeUnit.SECONDS.sleep(1);
        producer.shutdown();
    }

    private void requestAndReply() throws Exception {
        DefaultMQProducer replies = producer("golden-replies");
        DefaultMQPushConsumer replier = consumer("golden-replier", "replier");
        replier.subscribe(TOPIC, "question");
        replier.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt question : messages) {
                step("reply", () -> replies.send(MessageUtil.createReplyMessage(question, "answer".getBytes())));
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        replier.start();
        TimeUnit.SECONDS.sleep(3);
        DefaultMQProducer requester = producer("golden-requester");
        requester.request(message(TOPIC, "question", "order-8", "question"), 10_000);
        requester.shutdown();
        replier.shutdown();
        replies.shutdown();
    }

    private DefaultMQProducer producer(String group) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer(group);
        producer.setNamesrvAddr(namesrv);
        producer.setInstanceName(group);
        producer.start();
        return producer;
    }

    private DefaultMQPushConsumer consumer(String group, String instance) {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group);
        consumer.setNamesrvAddr(namesrv);
        consumer.setInstanceName(instance);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setConsumeMessageBatchMaxSize(1);
        return consumer;
    }

    private static Message message(String topic, String tag, String key, String body) {
        Message message = new Message(topic, tag, key, body.getBytes(StandardCharsets.UTF_8));
        message.putUserProperty("color", "blue");
        return message;
    }
}
