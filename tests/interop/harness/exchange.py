"""Store directories that change hands: Apache's broker opens ours, we open Apache's.

Each is filled and read by the Java client. What a reader is served is compared with what was
acknowledged to the writer, and, where retention has run, with what the first broker served last.
"""

import pathlib

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

    processes.wait_until(known, 90, f"the route of {topic}", 0.05)


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
        processes.wait_until(lambda: snapshot.stat().st_size > least, 90, "the keys that wait")
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


EXCHANGES = {
    "store/mq>apache-5.3.3": ours_to_apache,
    "store/mq>apache-5.3.3 after kill -9": ours_killed_to_apache,
    "store/apache-5.3.3>mq after a clean stop": lambda home: apache_to_ours(home, crash=False),
    "store/apache-5.3.3>mq after kill -9": lambda home: apache_to_ours(home, crash=True),
}
HARNESS_EXCHANGES = {"store/apache-5.3.3>apache-5.3.3": apache_to_apache}
