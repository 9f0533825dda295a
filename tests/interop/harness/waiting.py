"""Stores that change hands with messages that wait in them.

One broker leaves a thousand messages that wait for their time, a hundred with a delay level, a hundred open
transactions and a hundred dead letters in one store, and stops in order or is killed. The other delivers,
asks about and lists them: each once, or twice after a kill.
"""

import collections
import time

from . import cells, dlq, exchange as exchanges, plan, processes, programs, servers

# Producers are asked soon, and what has ended is written down before that.
TRANSACTIONS = {"transactionTimeOut": 3000, "transactionCheckInterval": 1000,
                "transactionCheckMax": 100, "transactionOpBatchInterval": 100}  # fmt: skip
# Calling back is off by default in Apache's broker. The fourth level is as long as the timers wait.
TIMES = {"recallMessageEnable": "true", "messageDelayLevel": "1s 5s 10s 75s"}
# Apache's broker stores anew what waits longer than so many seconds.
ROLLING = {"timerRollWindowSlot": 8}

# So many wait, and so long. Every fiftieth is called back at once.
TIMERS = 1050
AHEAD_MS = 75_000
OPEN_TRANSACTIONS = 100
DEAD_LETTERS = 100

TIMER_TOPIC = "rmq_sys_wheel_timer"
MAX_OFFSET = 30
RECALL_MESSAGE = 370


class Differs(cells.Failed):
    """What came is not what was left."""


class Timers:
    """Messages with a delay level, and for a time of their own.

    Of the latter some are called back here, some there, and neither may come.
    """

    topic = "timers-0"

    def __init__(self, exchange):
        self.exchange = exchange
        self.lines = []

    def leave(self, server):
        exchanges.create_topic(server, self.topic, queues=4)
        out = self.exchange.home / "timers"
        self.exchange.java("Timers", [server.namesrv, self.topic, out, TIMERS, AHEAD_MS])
        self.lines = cells.lines(out)

    def until_rolled(self, server):
        """Until most have been stored anew."""

        def rolled():
            place = {"topic": TIMER_TOPIC, "queueId": "0"}
            _, header, _ = servers.ask(server.broker, MAX_OFFSET, place)
            return int(header["extFields"]["offset"]) > 1.8 * TIMERS

        processes.wait_until(rolled, 90, "the second storing of messages that wait")

    def call_back(self, server):
        """Calls back, at the other broker, what has a handle."""
        exchanges.wait_for_topic(server, self.topic)
        if time.time() * 1000 > self.last_ms() - 15_000:
            raise cells.Failed("the messages were due before the other broker had the store")
        for line in self.lines:
            if "handle" in line:
                fields = {"producerGroup": "interop-timers", "topic": self.topic,
                          "recallHandle": line["handle"], "bname": exchanges.BROKER}  # fmt: skip
                code, header, _ = servers.ask(server.broker, RECALL_MESSAGE, fields)
                if code != 0:
                    raise cells.Failed(f"a recall was refused: {code} {header.get('remark')}")

    def delivered(self, server):
        """Waits until all are due, and a while for what should not come; the keys of what came."""
        wanted = wanted_timers(self.lines)

        def drained():
            keys = drain(self.exchange, server, "timers-")
            return keys if len(set(keys)) >= len(wanted) else None

        time.sleep(max(0, self.last_ms() / 1000 - time.time()))
        processes.wait_until(drained, 60, "the last message that waited", 2)
        time.sleep(4)
        return drained()

    def last_ms(self):
        return max(line.get("due", 0) for line in self.lines)


def wanted_timers(lines):
    """The keys of what nobody has called back."""
    return sorted(line["key"] for line in lines if "handle" not in line)


class Transactions:
    """Transactions that are committed, rolled back and left open; the other broker asks about the last."""

    topic = "transactions-0"

    def __init__(self, exchange):
        self.exchange = exchange
        self.lines = []

    def leave(self, server):
        exchanges.create_topic(server, self.topic, queues=4)
        self.lines = self.java(server, "leave", 3 * OPEN_TRANSACTIONS)

    def settle(self, server):
        """The keys about which the broker asks, and those of what is delivered in the end."""
        exchanges.wait_for_topic(server, self.topic)
        asked = [line["asked"] for line in self.java(server, "settle", OPEN_TRANSACTIONS)]
        return sorted(asked), drain(self.exchange, server, "transactions-")

    def java(self, server, what, count):
        out = self.exchange.home / what
        self.exchange.java("OpenTransactions", [server.namesrv, self.topic, what, out, count])
        return cells.lines(out)

    def left_open(self):
        return sorted(line["key"] for line in self.lines if line["left"])

    def wanted(self):
        return sorted(line["key"] for line in self.lines)


class DeadLetters:
    """Dead letters: the other broker's are listed, one of them as sent again; the others are sent again there."""

    topic, group = "dying-0", "dying-group"

    def __init__(self, exchange):
        self.exchange = exchange
        self.ids = {}

    def leave(self, server):
        home = self.exchange.home
        exchanges.create_topic(server, self.topic, queues=4)
        dying = plan.write(home / "dying", small=DEAD_LETTERS, medium=0, large=(), again_every=1)
        consumer = self.consume(server, "dead")
        sent = home / "dying-sent"
        self.exchange.java("Produce", [server.namesrv, self.topic, "sync", dying.directory, sent])
        self.ids = {line["id"]: line["index"] for line in cells.lines(sent)}

        def dead():
            found = self.letters(server)
            return found if len(found) >= DEAD_LETTERS else None

        first = processes.wait_until(dead, 60, "the dead letters", 1)[0]["id"]
        dlq.told(server, self.group, "resend", first)

        def came_again():
            return len(self.received(consumer)) > DEAD_LETTERS

        processes.wait_until(came_again, 90, "the dead letter that was sent again")
        consumer.finish()

    def settle(self, server):
        """What is listed, what comes when all of it is sent again, and what is listed then."""
        exchanges.wait_for_topic(server, self.topic)
        before = self.letters(server)
        consumer = self.consume(server, "concurrent")
        dlq.told(server, self.group, "resend", "--all")

        def came():
            return len(self.received(consumer)) >= DEAD_LETTERS - 1

        processes.wait_until(came, 60, "what was sent again")
        time.sleep(2)
        consumer.finish()
        return before, [line["index"] for line in self.received(consumer)], self.letters(server)

    def letters(self, server):
        return dlq.told(server, self.group, "list", "--limit", "1000")

    def consume(self, server, mode):
        arguments = [server.namesrv, self.topic, self.group, mode, "*", "dying", "received"]
        program = programs.Program(self.exchange.home / f"consume-{mode}", "Consume", arguments)
        program.wait_for("ready", "received")
        return program

    @staticmethod
    def received(consumer):
        return [line for line in cells.lines(consumer.home / "received") if "index" in line]


def drain(exchange, server, prefix):
    """The keys of everything in the topic PREFIX0."""
    out = exchange.home / f"drained-{time.monotonic_ns()}"
    exchange.java("Drain", [server.namesrv, out, prefix, 1])
    return sorted(line["key"] for line in cells.lines(out) if "id" in line)


def same(what, wanted, got, crash=False):
    """Everything wanted has come once, or, after a crash, once at least, and nothing else."""
    wanted, got = collections.Counter(wanted), collections.Counter(got)
    missing, strange = sorted(wanted - got), sorted(set(got) - set(wanted))
    twice = sorted((got - wanted).keys() - set(strange))
    if missing or strange or (twice and not crash):
        raise Differs(
            f"{what}: {len(missing)} of {wanted.total()} missing, such as {missing[:3]}; "
            f"{len(strange)} not wanted, such as {strange[:3]}; {len(twice)} twice, such as {twice[:3]}"
        )
    return f"{wanted.total()} {what}" + (f" ({len(twice)} twice)" if twice else "")


def same_letters(ids, found):
    """Each dead letter is listed, and one as sent again."""
    before, again, after = found
    told = same("dead letters", list(ids), [letter["id"] for letter in before])
    sent = [letter["id"] for letter in before if letter["sentAgain"]]
    if len(sent) != 1:
        raise Differs(f"{len(sent)} dead letters are listed as sent again instead of 1")
    same("sent again", [index for message, index in ids.items() if message not in sent], again)
    same("listed as sent again", list(ids), [letter["id"] for letter in after if letter["sentAgain"]])
    return told


def everything(home, writer, reader, crash):
    """All three in one store."""
    exchange = exchanges.Exchange(home)
    timers, transactions, letters = (kind(exchange) for kind in (Timers, Transactions, DeadLetters))
    with exchange.server(writer, **TRANSACTIONS, **TIMES) as server:
        for kind in (transactions, letters, timers):
            kind.leave(server)
        if crash:
            server.kill()
    with exchange.server(reader, **TRANSACTIONS, **TIMES) as server:
        timers.call_back(server)
        asked, committed = transactions.settle(server)
        found = letters.settle(server)
        delivered = timers.delivered(server)
    notes = (
        same("timers", wanted_timers(timers.lines), delivered, crash),
        same("halves", transactions.left_open(), asked),
        same("committed", transactions.wanted(), committed, crash),
        same_letters(letters.ids, found),
    )
    return ", ".join(notes)


def rolled(home, writer, reader, crash=False):
    """Timers that Apache's broker stores anew every few seconds, before the store changes hands or after."""
    exchange = exchanges.Exchange(home)
    timers = Timers(exchange)

    def settings(kind):
        return {**TIMES, **(ROLLING if kind != "mq" else {})}

    with exchange.server(writer, **settings(writer)) as server:
        timers.leave(server)
        if writer != "mq":
            timers.until_rolled(server)
        if crash:
            server.kill()
    with exchange.server(reader, **settings(reader)) as server:
        timers.call_back(server)
        if reader != "mq":
            timers.until_rolled(server)
        delivered = timers.delivered(server)
    return same("timers", wanted_timers(timers.lines), delivered, crash)


def altered():
    """Names, and whether a comparison notices what another broker might do wrong, and nothing else."""
    lines = [{"key": f"key-{number}"} for number in range(5)] + [{"key": "back", "handle": "x"}]
    keys = wanted_timers(lines)
    cases = {
        "one missing": (keys, keys[1:], True),
        "one that was called back": (keys, [*keys, "back"], True),
        "one twice after a clean stop": (keys, [*keys, keys[0]], False),
    }
    for name, (wanted, got, crash) in cases.items():
        yield name, _noticed(same, "timers", wanted, got, crash)
    ids = {"a": "0", "b": "1"}
    first, both = ([{"id": "a", "sentAgain": one}, {"id": "b", "sentAgain": two}]
                   for one, two in ((True, None), (True, True)))  # fmt: skip
    letters = {
        "a dead letter missing": (first[:1], ["1"], both),
        "a dead letter not known as sent again": (
            [{**letter, "sentAgain": None} for letter in first], ["1"], both,
        ),
        "one sent again twice": (first, ["0", "1"], both),
    }  # fmt: skip
    for name, found in letters.items():
        yield name, _noticed(same_letters, ids, found)
    yield "as left", not _noticed(same_letters, ids, (first, ["1"], both))


def _noticed(check, *arguments):
    try:
        check(*arguments)
    except Differs:
        return True
    return False


def _names():
    for writer, reader in (("mq", "apache-5.3.3"), ("apache-5.3.3", "mq")):
        for crash in (False, True):
            manner = "kill -9" if crash else "a clean stop"
            yield (
                f"store/{writer}>{reader}, what waits after {manner}",
                lambda home, w=writer, r=reader, c=crash: everything(home, w, r, c),
            )
            yield (
                f"store/{writer}>{reader}, rolled timers after {manner}",
                lambda home, w=writer, r=reader, c=crash: rolled(home, w, r, c),
            )


EXCHANGES = dict(_names())
HARNESS_EXCHANGES = {
    "store/apache-5.3.3>apache-5.3.3, what waits":
        lambda home: everything(home, "apache-5.3.3", "apache-5.3.3", crash=False),
}
