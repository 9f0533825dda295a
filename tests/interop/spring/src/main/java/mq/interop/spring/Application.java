package mq.interop.spring;

import java.util.Set;
import org.apache.rocketmq.client.impl.consumer.RebalanceImpl;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.spring.support.DefaultRocketMQListenerContainer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * Listens to the topics {@code interop.theirs}-kind; sends to {@code interop.mine}-kind when a line of
 * standard input says so, and leaves in order when it ends.
 */
@SpringBootApplication
public class Application {
    private static final Logger LOG = LoggerFactory.getLogger(Application.class);

    public static void main(String[] args) {
        try (ConfigurableApplicationContext context = SpringApplication.run(Application.class, args)) {
            for (DefaultRocketMQListenerContainer each
                    : context.getBeansOfType(DefaultRocketMQListenerContainer.class).values()) {
                waitForPositions(each);
            }
            run(context.getBean(Report.class), context.getBean(Sends.class));
        } catch (Exception error) {
            LOG.error("stopped", error);
            System.exit(1);
        }
        System.exit(0);
    }

    /**
     * A new group begins at the end of an empty queue. What is stored while the client asks for that end
     * is passed over, so nothing may be sent before each queue has a position.
     */
    private static void waitForPositions(DefaultRocketMQListenerContainer container) throws InterruptedException {
        RebalanceImpl share = container.getConsumer().getDefaultMQPushConsumerImpl().getRebalanceImpl();
        for (long end = System.nanoTime() + 60_000_000_000L; System.nanoTime() < end; Thread.sleep(20)) {
            Set<MessageQueue> queues = share.getTopicSubscribeInfoTable().get(container.getTopic());
            if (queues != null && !queues.isEmpty() && share.getProcessQueueTable().keySet().containsAll(queues)) {
                return;
            }
        }
        throw new IllegalStateException("no positions in " + container.getTopic() + " after 60 s");
    }

    private static void run(Report report, Sends sends) throws Exception {
        report.line("ready", true);
        for (int read = System.in.read(); read >= 0; read = System.in.read()) {
            if (read == '\n') {
                sends.everything();
                report.line("all", true);
            }
        }
    }
}
