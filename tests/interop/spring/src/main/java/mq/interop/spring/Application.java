package mq.interop.spring;

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
            run(context.getBean(Report.class), context.getBean(Sends.class));
        } catch (Exception error) {
            LOG.error("stopped", error);
            System.exit(1);
        }
        System.exit(0);
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
