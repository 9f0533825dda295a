package mq.interop;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.filter.FilterFactory;
import org.apache.rocketmq.filter.expression.EvaluationContext;
import org.apache.rocketmq.filter.expression.Expression;
import org.apache.rocketmq.filter.expression.MQFilterException;

/**
 * {@code Conditions DIRECTORY OUT}: has Apache's filter judge the conditions of a directory, as its broker does. A
 * line for each: {@code refused}, or a letter for each message: true, false, unknown, failed.
 */
public final class Conditions {
    private Conditions() {
    }

    public static void main(String[] args) throws IOException {
        Path directory = Path.of(args[0]);
        List<Properties> messages = new ArrayList<>();
        for (String line : lines(directory.resolve("messages"))) {
            messages.add(Properties.of(line));
        }
        List<String> verdicts = new ArrayList<>();
        for (String line : lines(directory.resolve("conditions"))) {
            verdicts.add(verdicts(plain(line), messages));
        }
        Files.write(Path.of(args[1]), (String.join("\n", verdicts) + "\n").getBytes(StandardCharsets.UTF_8));
    }

    /** Not by {@code readAllLines}, which takes more than a line feed for the end of a line. */
    private static String[] lines(Path path) throws IOException {
        String text = Files.readString(path);
        return text.substring(0, text.length() - 1).split("\n", -1);
    }

    private static String verdicts(String condition, List<Properties> messages) {
        Expression expression;
        try {
            expression = FilterFactory.INSTANCE.get("SQL92").compile(condition);
        } catch (MQFilterException refused) {
            return "refused";
        }
        StringBuilder verdicts = new StringBuilder();
        for (Properties message : messages) {
            verdicts.append(verdict(expression, message));
        }
        return verdicts.toString();
    }

    private static char verdict(Expression expression, Properties message) {
        try {
            Object result = expression.evaluate(message);
            if (result == null) {
                return 'U';
            }
            return result == Boolean.TRUE ? 'T' : 'F';
        } catch (Throwable failed) {
            return 'X';
        }
    }

    private static String plain(String line) {
        StringBuilder text = new StringBuilder();
        for (int at = 0; at < line.length(); at++) {
            char c = line.charAt(at);
            if (c == '\\') {
                at++;
                c = switch (line.charAt(at)) {
                    case 'n' -> '\n';
                    case 'r' -> '\r';
                    case 't' -> '\t';
                    case 'f' -> '\f';
                    case '0' -> '\0';
                    default -> line.charAt(at);
                };
            }
            text.append(c);
        }
        return text.toString();
    }

    /** The properties of a message. */
    private record Properties(Map<String, Object> values) implements EvaluationContext {
        static Properties of(String line) {
            Map<String, Object> values = new HashMap<>();
            for (String pair : line.split("\t")) {
                int equal = pair.indexOf('=');
                if (equal > 0) {
                    values.put(plain(pair.substring(0, equal)), plain(pair.substring(equal + 1)));
                }
            }
            return new Properties(values);
        }

        @Override
        public Object get(String name) {
            return values.get(name);
        }

        @Override
        public Map<String, Object> keyValues() {
            return values;
        }
    }
}
