package mq.interop;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import org.apache.rocketmq.client.AccessChannel;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.trace.TraceBean;
import org.apache.rocketmq.client.trace.TraceContext;
import org.apache.rocketmq.client.trace.TraceDataEncoder;
import org.apache.rocketmq.client.trace.TraceType;
import org.apache.rocketmq.common.message.MessageType;

/** Prints what TraceDataEncoder makes of the records that the test `lines_are_javas` of mq-core has. */
public final class Traces {
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private static TraceContext context(TraceType type, String keys) {
        TraceBean bean = new TraceBean();
        bean.setTopic("order-topic");
        bean.setMsgId("ID");
        bean.setTags(keys == null ? null : "paid");
        bean.setKeys(keys);
        bean.setStoreHost("127.0.0.1:10911");
        TraceContext context = new TraceContext();
        context.setTraceType(type);
        context.setTimeStamp(1_700_000_000_123L);
        context.setRegionId("DefaultRegion");
        context.setGroupName("shop");
        context.setRequestId("CALL");
        context.setCostTime(7);
        context.setAccessChannel(AccessChannel.LOCAL);
        context.setTraceBeans(Collections.singletonList(bean));
        return context;
    }

    private static void print(TraceContext context) {
        OUT.print(TraceDataEncoder.encoderFromContextBean(context).getTransData());
    }

    private static void published(String keys, MessageType type, boolean success) {
        TraceContext context = context(TraceType.Pub, keys);
        context.setSuccess(success);
        TraceBean bean = context.getTraceBeans().get(0);
        bean.setBodyLength(12);
        bean.setMsgType(type);
        bean.setOffsetMsgId("7F00000100002A9F0000000000000000");
        print(context);
    }

    private static void consuming(String keys, int retries) {
        TraceContext context = context(TraceType.SubBefore, keys);
        context.getTraceBeans().get(0).setRetryTimes(retries);
        print(context);
    }

    private static void consumed(boolean success, int code) {
        TraceContext context = context(TraceType.SubAfter, "order-1 x");
        context.setSuccess(success);
        context.setContextCode(code);
        print(context);
    }

    private static void ended(LocalTransactionState state, boolean fromCheck) {
        TraceContext context = context(TraceType.EndTransaction, "order-1 x");
        TraceBean bean = context.getTraceBeans().get(0);
        bean.setMsgType(MessageType.Trans_msg_Commit);
        bean.setTransactionId("ID");
        bean.setTransactionState(state);
        bean.setFromTransactionCheck(fromCheck);
        print(context);
    }

    public static void main(String[] args) {
        published("order-1 x", MessageType.Normal_Msg, true);
        published(null, MessageType.Normal_Msg, true);
        published(null, MessageType.Trans_Msg_Half, true);
        published(null, MessageType.Delay_Msg, false);
        consuming("order-1 x", 0);
        consuming(null, 3);
        consumed(true, 0);
        consumed(true, 1);
        consumed(false, 4);
        ended(LocalTransactionState.COMMIT_MESSAGE, false);
        ended(LocalTransactionState.ROLLBACK_MESSAGE, false);
        ended(LocalTransactionState.UNKNOW, true);
        OUT.flush();
    }
}
