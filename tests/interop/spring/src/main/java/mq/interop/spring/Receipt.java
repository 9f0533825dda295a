package mq.interop.spring;

import java.math.BigDecimal;

/** What an order costs. */
public record Receipt(long id, BigDecimal total) {
}
