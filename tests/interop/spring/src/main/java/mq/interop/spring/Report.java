package mq.interop.spring;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.rocketmq.common.message.MessageExt;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.stereotype.Component;

/** The file of JSON lines that the application leaves for the runner. */
@Component
final class Report {
    private final ObjectMapper json = new ObjectMapper();
    private final PrintWriter out;

    Report(@Value("${interop.out}") String path) throws IOException {
        out = new PrintWriter(Files.newBufferedWriter(Path.of(path), StandardCharsets.UTF_8));
    }

    /** Names and values by turns. */
    synchronized void line(Object... pairs) {
        Map<Object, Object> line = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            line.put(pairs[i], pairs[i + 1]);
        }
        try {
            out.println(json.writeValueAsString(line));
        } catch (JsonProcessingException error) {
            throw new IllegalStateException(error);
        }
        out.flush();
    }

    /** A delivery with everything that came along. */
    void came(String kind, MessageExt message) {
        line("came", kind, "order", order(message), "id", message.getMsgId(), "queue", message.getQueueId(),
                "offset", message.getQueueOffset(), "key", message.getKeys(), "tag", message.getTags(),
                "attempt", message.getReconsumeTimes(), "stored", message.getStoreTimestamp(),
                "color", message.getUserProperty("color"), "contentType", message.getUserProperty("contentType"),
                "stamped", message.getUserProperty("id") != null && message.getUserProperty("timestamp") != null);
    }

    Order order(MessageExt message) {
        try {
            return json.readValue(message.getBody(), Order.class);
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
    }

    Order order(String line) throws IOException {
        return json.readValue(line, Order.class);
    }
}
