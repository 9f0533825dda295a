package mq.interop.spring;

import java.math.BigDecimal;
import java.util.List;

/** What is sent. */
public record Order(long id, String product, BigDecimal price, int quantity, boolean gift, List<String> notes,
        String shard) {
    /** As a request it gets this reply. */
    Receipt receipt() {
        return new Receipt(id, price.multiply(BigDecimal.valueOf(quantity)));
    }
}
