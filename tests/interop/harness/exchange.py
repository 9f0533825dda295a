"""Store directories that change hands: Apache's broker opens ours, we open Apache's.

Each is filled and read by the Java client. What a reader is served is compared with what was
acknowledged to the writer, and, where retention has run, with what the first broker served last.
"""

import pathlib
import time

from . import cells, processes, programs, servers

SEGMENT = 16 * 1024 * 1024
QUEUES = 20
EARLY = ("early-", 5)
LATE = ("late-", 45)
BROKER = "broker-a"
GROUP = "exchange-group"
SETTINGS = {"mappedFileSizeCommitLog": SEGMENT, "brokerName": BROKER}
UPDATE_OFFSET = 15
CREATE_GROUP = 200

# Producers are asked soon, and what has ended is written down before that.
TRANSACTIONS = {"transactionTimeOut": 3000, "transactionCheckInterval": 1000,
                "transactionCheckMax": 100, "transactionOpBatchInterval": 100}  # fmt: skip

# Off by default in Apache's broker.
RECALL = {"recallMessageEnable": "true"}
# So many messages wait while the store changes hands, and so long.
WAITING = 1000
AHEAD_MS = 60_000

# A disk that is fuller than one percent loses every segment but the newest.
SCARCE_DISK = {"diskMaxUsedSpaceRatio": 1, "diskSpaceCleanForciblyRatio": 1}


class Exchange:
    """Names, files and Java programs of one exchange."""

    def __init__(self, home):
        self.home = pathlib.Path(home)
        self.home.mkdir(parents=True)
        self.store = self.home / "store"
        self._number = 0

    def server(self, kind, **settings):
        """One of the servers on this exchange's store directory."""
        self._number += 1
        start = {"mq": servers.mq, "apache-5.3.3": servers.apache}[kind]
        directory = self.home / f"server-{self._number}-{kind}"
        return start(directory, store=self.store, settings={**SETTINGS, **settings})

    def fill(self, server):
        """Makes a thousand queues and three segments, and returns what was acknowledged.

        The early topics lie in the first segment alone, the late ones in all of them.
        """
        for prefix, count in (EARLY, LATE):
            for number in range(count):
                create_topic(server, f"{prefix}{number}")
        lines = self.send(server, EARLY, rounds=3, size=500) + self.more(server)
        commit(server)
        return lines

    def more(self, server):
        """Messages for the late topics: more than two segments of them."""
        return self.send(server, LATE, rounds=18, size=4000)

    def send(self, server, topics, rounds, size):
        """Sends to every queue of the topics and returns what was acknowledged."""
        out = self.home / f"filled-{self._number}-{topics[0]}"
        self.java("Fill", [server.namesrv, BROKER, *topics, QUEUES, rounds, size, out])
        return cells.lines(out)

    def drain(self, server):
        """Everything a server serves of those topics, as (queues, messages)."""
        out = self.home / f"drained-{self._number}"
        self.java("Drain", [server.namesrv, out, *EARLY, *LATE])
        lines = cells.lines(out)
        return (
            [line for line in lines if "max" in line],
            [line for line in lines if "id" in line],
        )

    def java(self, program, arguments):
        """Runs one of our programs on the Java client 5.3.3."""
        programs.Program(self.home, program, arguments).finish(180)

    def segments(self):
        """The files of the commit log that hold records, oldest first: one may be made ahead of them."""
        return sorted(filter(begins_with_record, (self.store / "commitlog").iterdir()))


def begins_with_record(path):
    """Whether the file begins with anything but zeros; one that was just removed does not."""
    try:
        with path.open("rb") as file:
            return any(file.read(8))
    except FileNotFoundError:
        return False


def create_topic(server, topic, queues=QUEUES):
    """A topic of `queues` queues, known to the name server when this returns."""
    fields = {
        "topic": topic, "defaultTopic": "TBW102", "readQueueNums": queues,
        "writeQueueNums": queues, "perm": 6, "topicFilterType": "SINGLE_TAG",
        "topicSysFlag": 0, "order": "false",
    }  # fmt: skip
    texts = {key: str(value) for key, value in fields.items()}
    code, header, _ = servers.ask(server.broker, cells.CREATE_TOPIC, texts)
    if code != 0:
        raise cells.Failed(f"{topic} was refused: {code} {header.get('remark')}")
    wait_for_topic(server, topic)


def commit(server):
    """Leaves offsets of a group with the broker."""
    group = f'{{"groupName":"{GROUP}"}}'.encode()
    created = servers.ask(server.broker, CREATE_GROUP, {}, group)
    if created[0] != 0:
        raise cells.Failed(f"a group was refused: {created[:2]}")
    for number in range(LATE[1]):
        fields = {"topic": f"late-{number}", "consumerGroup": GROUP, "queueId": "0",
                  "commitOffset": str(number % 10 + 1)}  # fmt: skip
        answer = servers.ask(server.broker, UPDATE_OFFSET, fields)
        if answer[0] != 0:
            raise cells.Failed(f"an offset was refused: {answer[:2]}")


def wait_for_topic(server, topic):
    """Until the name server knows a topic."""

    def known():
        return servers.ask(server.namesrv, servers.ROUTE_REQUEST, {"topic": topic})[0] == 0

    processes.wait_until(known, 40, f"the route of {topic}", 0.05)


def served_as_acknowledged(acknowledged, queues, messages):
    """Every acknowledged message from the smallest offset on is served, as it was sent."""
    smallest = {(line["topic"], line["queue"]): line["min"] for line in queues}
    if len(smallest) != QUEUES * (EARLY[1] + LATE[1]):
        raise cells.Failed(f"{len(smallest)} queues instead of {QUEUES * (EARLY[1] + LATE[1])}")
    wanted = sorted(
        identity(line)
        for line in acknowledged
        if line["offset"] >= smallest[line["topic"], line["queue"]]
    )
    got = sorted(map(identity, messages))
    if wanted != got:
        missing, surplus = set(wanted) - set(got), set(got) - set(wanted)
        raise cells.Failed(
            f"{len(missing)} of {len(wanted)} messages missing, such as {sorted(missing)[:2]}; "
            f"{len(surplus)} nobody sent, such as {sorted(surplus)[:2]}"
        )


def identity(line):
    """What makes a message of a queue the same on both sides."""
    return tuple(line[field] for field in ("topic", "queue", "offset", "id", "key", "crc"))


def offsets_kept(server):
    """The group's offsets moved with the store."""
    for number in range(LATE[1]):
        fields = {"topic": f"late-{number}", "consumerGroup": GROUP, "queueId": "0"}
        code, header, _ = servers.ask(server.broker, cells.QUERY_OFFSET, fields)
        offset = (header.get("extFields") or {}).get("offset")
        if (code, offset) != (0, str(number % 10 + 1)):
            raise cells.Failed(f"the offset of {fields['topic']} is {offset} (code {code})")


def ours_to_apache(home):
    """We write, lose the old segments to retention, stop in order; Apache's broker serves."""
    exchange = Exchange(home)
    with exchange.server("mq") as server:
        acknowledged = exchange.fill(server)
    with exchange.server("mq", **SCARCE_DISK):
        processes.wait_until(lambda: len(exchange.segments()) == 1, 60, "the retention")
    with exchange.server("mq") as server:
        acknowledged += exchange.more(server)
        before = exchange.drain(server)
    served_as_acknowledged(acknowledged, *before)
    emptied = [line for line in before[0] if line["min"] == line["max"] > 0]
    if len(emptied) < QUEUES * EARLY[1] or len(exchange.segments()) < 2:
        raise cells.Failed(f"{len(emptied)} queues emptied, {len(exchange.segments())} segments")
    with exchange.server("apache-5.3.3") as server:
        wait_for_topic(server, f"{LATE[0]}{LATE[1] - 1}")
        queues, messages = exchange.drain(server)
        served_as_acknowledged(acknowledged, queues, messages)
        offsets_kept(server)
        same_bounds(before[0], queues)
        found_by_key(server, messages)
    return len(messages)


def ours_killed_to_apache(home):
    """We write and are killed, with keys that no index file has; Apache's broker serves, then we."""
    exchange = Exchange(home)
    with exchange.server("mq") as server:
        # So much that consume queues and keys are not derived from the whole log again.
        acknowledged = exchange.fill(server) + exchange.more(server)
        snapshot = exchange.store / "keySnapshot"
        least = 20 * len(acknowledged)
        processes.wait_until(lambda: snapshot.stat().st_size > least, 40, "the keys that wait")
        server.kill()
    if not (exchange.store / "abort").exists():
        raise cells.Failed("the abort file says that our broker stopped in order")
    if (exchange.store / "index").exists():
        raise cells.Failed("keys have reached the index files")
    with exchange.server("apache-5.3.3") as server:
        wait_for_topic(server, acknowledged[-1]["topic"])
        queues, messages = exchange.drain(server)
        served_as_acknowledged(acknowledged, queues, messages)
        found_by_key(server, messages)
    with exchange.server("mq") as server:
        found_by_key(server, messages)
    return len(messages)


def same_bounds(before, after):
    """No queue lost its place, those that retention emptied included."""

    def bounds(lines):
        return {(line["topic"], line["queue"]): (line["min"], line["max"]) for line in lines}

    ours, theirs = bounds(before), bounds(after)
    different = [place for place in ours if ours[place] != theirs.get(place)]
    if different:
        place = different[0]
        raise cells.Failed(
            f"{len(different)} queues have other bounds, such as {place}: {ours[place]} before, "
            f"{theirs.get(place)} after"
        )


def apache_to_ours(home, crash):
    """Apache's broker writes and stops in order or is killed; we serve."""
    exchange = Exchange(home)
    with exchange.server("apache-5.3.3") as server:
        acknowledged = exchange.fill(server)
        if crash:
            server.kill()
    if (exchange.store / "abort").exists() != crash:
        raise cells.Failed(f"the abort file says that Apache's broker {'stopped' if crash else 'died'}")
    with exchange.server("mq") as server:
        queues, messages = exchange.drain(server)
        served_as_acknowledged(acknowledged, queues, messages)
        if not crash:
            offsets_kept(server)
        found_by_key(server, acknowledged)
    return len(messages)


def apache_to_apache(home):
    """Shows that the scripts are right: one of Apache's brokers after another."""
    exchange = Exchange(home)
    with exchange.server("apache-5.3.3") as server:
        acknowledged = exchange.fill(server)
    with exchange.server("apache-5.3.3") as server:
        queues, messages = exchange.drain(server)
        served_as_acknowledged(acknowledged, queues, messages)
        offsets_kept(server)
        found_by_key(server, acknowledged)
    return len(messages)


def found_by_key(server, acknowledged):
    """Some messages are found by their keys."""
    for line in acknowledged[:: len(acknowledged) // 20]:
        fields = {"topic": line["topic"], "key": line["key"], "maxNum": "64",
                  "beginTimestamp": "0", "endTimestamp": str(2**62)}  # fmt: skip
        code, _, body = servers.ask(server.broker, cells.QUERY_MESSAGE, fields)
        if code != 0 or line["key"].encode() not in body:
            raise cells.Failed(f"{line['topic']} has nothing under {line['key']}: code {code}")


def transactions(home, writer, reader):
    """Transactions that one broker leaves open are asked about by the other, and no others are."""
    exchange = Exchange(home)
    topic, begun = ("transactions-", 1), 60

    def java(server, what, count):
        out = exchange.home / what
        exchange.java("OpenTransactions", [server.namesrv, f"{topic[0]}0", what, out, count])
        return cells.lines(out)

    with exchange.server(writer, **TRANSACTIONS) as server:
        create_topic(server, f"{topic[0]}0", queues=4)
        wanted = java(server, "leave", begun)
    left = sorted(line["key"] for line in wanted if line["left"])
    with exchange.server(reader, **TRANSACTIONS) as server:
        wait_for_topic(server, f"{topic[0]}0")
        asked = sorted(line["asked"] for line in java(server, "settle", len(left)))
        out = exchange.home / "delivered"
        exchange.java("Drain", [server.namesrv, out, *topic])
    if asked != left:
        raise cells.Failed(f"asked about {len(asked)} transactions instead of {len(left)}: {asked[:9]}")
    delivered = sorted(line["key"] for line in cells.lines(out) if "id" in line)
    if delivered != sorted(line["key"] for line in wanted):
        raise cells.Failed(f"{len(delivered)} messages instead of {len(wanted)}: {delivered[:9]}")
    return len(delivered)


def timers(home, writer, reader, crash=False):
    """Messages that wait for their time at one broker are delivered by the other, once, and none early.

    What the first has delivered does not come again, and what was called back there does not come.
    """
    exchange = Exchange(home)
    topic = ("timers-", 1)
    name = f"{topic[0]}0"
    with exchange.server(writer, **RECALL) as server:
        create_topic(server, name, queues=4)
        out = exchange.home / "sent"
        exchange.java("Timers", [server.namesrv, name, out, WAITING, AHEAD_MS])
        wanted = sorted(line["key"] for line in cells.lines(out))
        last = max(line.get("due", 0) for line in cells.lines(out))
        if crash:
            server.kill()
    with exchange.server(reader, **RECALL) as server:
        wait_for_topic(server, name)
        if time.time() * 1000 > last - 10_000:
            raise cells.Failed("the messages were due before the other broker had the store")

        def delivered():
            drained = exchange.home / f"delivered-{time.monotonic_ns()}"
            exchange.java("Drain", [server.namesrv, drained, *topic])
            keys = sorted(line["key"] for line in cells.lines(drained) if "id" in line)
            return keys if len(keys) >= len(wanted) else None

        time.sleep(max(0, last / 1000 - time.time()))
        keys = processes.wait_until(delivered, 60, "the last message", 2)
        time.sleep(4)
        keys = delivered()
    once = sorted(set(keys)) if crash else keys
    if once != wanted:
        strange = sorted(set(keys) - set(wanted))
        raise cells.Failed(
            f"{len(keys)} messages of {len(set(keys))} keys instead of {len(wanted)}, "
            f"not wanted are {strange[:5]}, twice came {sorted(duplicates(keys))[:5]}"
        )
    return len(keys)


def duplicates(keys):
    """What stands there more than once."""
    return {one for one, next_one in zip(keys, keys[1:]) if one == next_one}


EXCHANGES = {
    "store/mq>apache-5.3.3": ours_to_apache,
    "store/mq>apache-5.3.3 after kill -9": ours_killed_to_apache,
    "store/apache-5.3.3>mq after a clean stop": lambda home: apache_to_ours(home, crash=False),
    "store/apache-5.3.3>mq after kill -9": lambda home: apache_to_ours(home, crash=True),
    "store/mq>apache-5.3.3, transactions": lambda home: transactions(home, "mq", "apache-5.3.3"),
    "store/apache-5.3.3>mq, transactions": lambda home: transactions(home, "apache-5.3.3", "mq"),
    "store/mq>apache-5.3.3, timers": lambda home: timers(home, "mq", "apache-5.3.3"),
    "store/mq>apache-5.3.3, timers after kill -9":
        lambda home: timers(home, "mq", "apache-5.3.3", crash=True),
    "store/apache-5.3.3>mq, timers": lambda home: timers(home, "apache-5.3.3", "mq"),
    "store/apache-5.3.3>mq, timers after kill -9":
        lambda home: timers(home, "apache-5.3.3", "mq", crash=True),
}
HARNESS_EXCHANGES = {"store/apache-5.3.3>apache-5.3.3": apache_to_apache}
