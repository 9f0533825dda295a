package mq.interop;

import java.io.PrintStream;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/**
 * {@code Admin NAMESRV COMMANDS DIRECTORY}: runs each line of the file COMMANDS as the command line
 * of {@code mqadmin}, and leaves what it prints in DIRECTORY, in files named 0, 1, …
 */
public final class Admin {
    private Admin() {
    }

    public static void main(String[] args) throws Exception {
        System.setProperty("interop.level", "OFF");
        List<String> commands = Files.readAllLines(Path.of(args[1]), StandardCharsets.UTF_8);
        for (int i = 0; i < commands.size(); i++) {
            Path file = Path.of(args[2]).resolve(Integer.toString(i));
            try (PrintStream out = new PrintStream(file.toFile(), StandardCharsets.UTF_8)) {
                System.setOut(out);
                System.setErr(out);
                forget();
                MQAdminStartup.main((commands.get(i) + " -n " + args[0]).split(" "));
            }
        }
        System.exit(0);
    }

    /** Forgets the verbs: one that has sent or pulled cannot begin again. Their list has another name in 4.9. */
    private static void forget() throws IllegalAccessException {
        for (Field field : MQAdminStartup.class.getDeclaredFields()) {
            if (field.getType() == List.class) {
                field.setAccessible(true);
                ((List<?>) field.get(null)).clear();
            }
        }
    }
}
