"""What must come of the orders that one application sends to another, for each kind of message."""

import contextlib
import dataclasses
import time
import types

from . import cells, compare, dlq, processes

SECONDS = 60
QUEUES = 4
TAGS = ("TagA", "TagB", "TagC")
COLOR = "绿色"

# What is reported without its order's number, and the requests, whose replies are reported.
PAYLOADS = ("typed", "text")
REQUESTS = ("request", "greeting", "request-callback")
KINDS = (*PAYLOADS, "orderly", "levels", "times", "transaction", "retry", "dead", *REQUESTS)
BATCH = "batch"
# What is sent with a key and a color.
WITH_HEADERS = ("tagged", BATCH, "orderly", "levels", "transaction")
# What is stored where the answer to its sender says.
AT_ONCE = ("tagged", BATCH, "orderly", "retry", "dead")

# Of four transactions, which are delivered, and about which the broker asks.
COMMITTED, LEFT = (0, 1), (1, 3)
ATTEMPTS = 3


@dataclasses.dataclass
class Direction:
    """The orders on their way from one application to the other.

    `stamped` says whether the sender gives each message an id and a time of its own, as Spring does.
    """

    server: object
    orders: list
    sender: object
    receiver: object
    stamped: bool

    def check(self, kind):
        """Waits for what that kind must lead to; returns how many were compared, or raises `Failed`."""
        wanted = self._wanted(kind)
        if kind == "dead":
            self._wait_for(kind, 2 * len(wanted))
            self._send_again(len(wanted))
        self._wait_for(kind, sum(len(_attempts(kind, order["id"])) for order in wanted))
        if kind == "transaction":
            self._wait_for_checks()
        time.sleep(0.5)
        problems = self.problems(kind)
        if problems:
            more = f" (and {len(problems) - 4} more)" if len(problems) > 4 else ""
            raise cells.Failed("; ".join(problems[:4]) + more)
        return len(self._told(kind))

    def problems(self, kind):
        """How what has come differs from what was sent, as texts."""
        told = self._told(kind)
        if kind in REQUESTS:
            return list(self._replies(kind, told))
        if kind in PAYLOADS:
            return list(self._payloads(kind, told))
        return [*self._differences(kind, told), *self._more(kind, told)]

    def _told(self, kind):
        """The replies that the sender got, or what came to the receiver."""
        return self.sender.lines("replied", kind) if kind in REQUESTS else self.receiver.lines("came", kind)

    def _wanted(self, kind):
        return [order for order in self.orders if _is_delivered(kind, order["id"])]

    def _wait(self, condition):
        """Until the condition holds, or for long enough; an application that has ended is a failure."""

        def holds():
            for side in (self.sender, self.receiver):
                if side.process.poll() is not None:
                    raise cells.Failed(f"{side.name} ended early{cells.tail(side.log)}")
            return condition()

        with contextlib.suppress(TimeoutError):
            processes.wait_until(holds, SECONDS, "what must come")

    def _wait_for(self, kind, count):
        self._wait(lambda: len(self._told(kind)) >= count)

    def _payloads(self, kind, told):
        """Each payload must come once; of them nothing else is known."""
        wanted = [order if kind == "typed" else order["product"] for order in self.orders]
        found = [line["order" if kind == "typed" else "text"] for line in told]
        if len(found) != len(wanted):
            yield f"{len(found)} payloads instead of {len(wanted)}"
        yield from (f"{payload!r} has not come" for payload in wanted if payload not in found)

    def _replies(self, kind, told):
        found = {line["order"]: line["reply"] for line in told}
        for order in self.orders:
            wanted, reply = _reply(kind, order), found.get(order["id"])
            if reply != wanted:
                yield f"order {order['id']}: the reply {reply!r} instead of {wanted!r}"

    def _wait_for_checks(self):
        """The broker must have asked about what was left to it: both, for they are in one producer group."""
        left = {order["id"] for order in self.orders if order["id"] % 4 in LEFT}
        topic = f"{self.sender.topics}-transaction"

        def asked(*sides):
            return {line["order"] for side in sides for line in side.lines("asked", topic)}

        self._wait(lambda: left <= asked(self.sender, self.receiver))
        missing = left - asked(self.sender, self.receiver)
        if missing:
            raise cells.Failed(f"the broker has not asked about {sorted(missing)}")
        for side in (self.sender, self.receiver):
            if not asked(side):
                raise cells.Failed(f"the broker has not asked {side.name}")

    def _send_again(self, count):
        """All must be dead letters now; they are sent again, to the group."""
        group = f"{self.sender.topics}-dead"

        def letters():
            return dlq.told(self.server, group, "list", "--limit", "1000")

        self._wait(lambda: len(letters()) >= count)
        found = letters()
        if len(found) != count or any(letter["sentAgain"] for letter in found):
            raise cells.Failed(f"{len(found)} dead letters instead of {count}, such as {found[:1]}")
        outcomes = [letter["outcome"] for letter in dlq.told(self.server, group, "resend", "--all")]
        if outcomes != ["sent"] * count:
            raise cells.Failed(f"sent again: {outcomes}")

    def _differences(self, kind, came):
        sent, wanted = self._sent(kind), self._wanted(kind)
        by_order = {}
        for line in came:
            by_order.setdefault(line["order"]["id"], []).append(line)
        for number in by_order.keys() - {order["id"] for order in wanted}:
            yield f"order {number} came, which nobody should get"
        for order in wanted:
            number = order["id"]
            lines = by_order.get(number, [])
            tried = [line["attempt"] for line in lines]
            if tried != _attempts(kind, number):
                yield f"order {number} came in attempts {tried} instead of {_attempts(kind, number)}"
            for delivery, line in enumerate(lines):
                expected = {**_expected(kind, order, sent.get(number, {}), delivery), "stamped": self.stamped}
                for field, value in expected.items():
                    if line[field] != value:
                        yield f"order {number}: {field} {line[field]!r} instead of {value!r}"

    def _more(self, kind, came):
        """Problems of the order, or of times."""
        if kind == "orderly":
            entries = [types.SimpleNamespace(index=str(order["id"]), shard=order["shard"]) for order in self.orders]
            lines = [{**line, "index": str(line["order"]["id"])} for line in came]
            yield from compare.order(entries, lines)
            yield from compare.java_hash(entries, lines, QUEUES)
        if kind in ("levels", "times"):
            lines = [{**line, "index": line["order"]["id"]} for line in came]
            early = 0 if self.server.kind == "mq" else cells.EARLY_BY_APACHE
            yield from compare.times(self._sent(kind), lines, early)

    def _sent(self, kind):
        """What the sender said of each order."""
        lines = self.sender.lines("sent", "typed" if kind == "tagged" else kind)
        return {line["order"]: line for line in lines}


def _is_delivered(kind, number):
    if kind == "tagged":
        return TAGS[number % len(TAGS)] != "TagB"
    return kind != "transaction" or number % 4 in COMMITTED


def _attempts(kind, number):
    """The numbers of the attempts in which an order comes; a dead letter is sent again after two."""
    if kind == "retry" and number % 2 == 0:
        return list(range(ATTEMPTS))
    return [0, 1, 0] if kind == "dead" else [0]


def _reply(kind, order):
    """What a reply listener replies."""
    if kind == "greeting":
        return f"hello {order['product']}"
    return {"id": order["id"], "total": order["price"] * order["quantity"]}


def _expected(kind, order, sent, delivery):
    """What must have come along; the first delivery is from where the message was sent to."""
    headers = kind in WITH_HEADERS
    fields = ("id", "queue", "offset") if kind in AT_ONCE and delivery == 0 else ("id",)
    return {
        "order": order,
        "key": f"order-{order['id']}" if headers else None,
        "color": COLOR if headers else None,
        "tag": TAGS[order["id"] % len(TAGS)] if kind == "tagged" else None,
        "contentType": "application/json",
        **{field: sent[field] for field in fields if field in sent},
    }
