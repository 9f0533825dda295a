package mq.interop;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.rocketmq.common.message.Message;

/** The messages to send: a table, and a file with their bodies one after the other. */
final class Plan {
    /** One line of the table. */
    record Entry(String index, long offset, int size, String key, String tag, String shard, String color) {
        static Entry of(String line) {
            String[] parts = line.split("\t");
            return new Entry(parts[0], Long.parseLong(parts[1]), Integer.parseInt(parts[2]),
                    parts[3], parts[4], parts[5], parts[6]);
        }
    }

    private final Path bodies;
    final List<Entry> entries = new ArrayList<>();

    Plan(Path directory) throws IOException {
        bodies = directory.resolve("bodies");
        for (String line : Files.readAllLines(directory.resolve("table"), StandardCharsets.UTF_8)) {
            entries.add(Entry.of(line));
        }
    }

    Message message(String topic, Entry entry) throws IOException {
        byte[] body = new byte[entry.size];
        try (RandomAccessFile file = new RandomAccessFile(bodies.toFile(), "r")) {
            file.seek(entry.offset);
            file.readFully(body);
        }
        Message message = new Message(topic, entry.tag, entry.key, body);
        message.putUserProperty("index", entry.index);
        message.putUserProperty("color", entry.color);
        return message;
    }
}
