package mq.interop;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The file of JSON lines that a program leaves for the runner; values hold no quotes. */
final class Report implements AutoCloseable {
    private final PrintWriter out;

    Report(Path path) throws IOException {
        out = new PrintWriter(Files.newBufferedWriter(path, StandardCharsets.UTF_8));
    }

    /** Names and values by turns. */
    synchronized void line(Object... pairs) {
        StringBuilder text = new StringBuilder("{");
        for (int i = 0; i < pairs.length; i += 2) {
            Object value = pairs[i + 1];
            text.append(i == 0 ? "" : ",").append('"').append(pairs[i]).append("\":");
            if (value instanceof String) {
                text.append('"').append(value).append('"');
            } else {
                text.append(value);
            }
        }
        out.println(text.append('}'));
        out.flush();
    }

    @Override
    public void close() {
        out.close();
    }
}
