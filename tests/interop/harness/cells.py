"""One cell of the matrix: a producer, a server, a consumer, and a kind of traffic."""

import collections
import contextlib
import dataclasses
import json
import os
import pathlib
import struct
import subprocess
import time
import typing

from . import clients, compare, plan as plans, processes, servers

QUEUES = 4
SECONDS = 90
GET_CONSUMER_LIST = 38
QUERY_OFFSET = 14
MAX_OFFSET = 30
CREATE_TOPIC = 17
QUERY_MESSAGE = 12

# Where a stored message has its flags, and what they say of its body.
SYSTEM_FLAGS = 36
PACKED = 1
PACKED_BY = 8
PACKED_OVER = 4096

# Apache's timer wheel turns by the second.
EARLY_BY_APACHE = 1000


class Failed(Exception):
    """The cell shows a difference; the text says which."""


@dataclasses.dataclass
class Kind:
    """How a kind of traffic is made and checked.

    `packed` is the number by which stored bodies of more than 4 KiB must say how they are packed.
    Messages that are `timed` must not be stored in their topic before they are due; of those that are
    `recalled`, in the color `again`, none may come. Between two attempts lie at least `pause_ms`. What is
    `refused` must end the producer with that text, and nothing may be stored. `passes` says of an entry whether
    the expression, a condition, lets it through.
    """

    produce: str = "sync"
    mode: str = "concurrent"
    expression: str = "*"
    members: int = 1
    plan: str = "full"
    attempts: int = 1
    produce_first: bool = False
    packed: int = 0
    timed: bool = False
    recalled: bool = False
    pause_ms: int = 0
    refused: str = ""
    passes: typing.Callable | None = None

    def wanted(self, entry):
        """Whether the expression lets the message through."""
        if self.passes:
            return self.passes(entry)
        tags = self.expression.replace(" ", "").split("||")
        return tags == ["*"] or entry.tag in tags


# A part of the messages by tags, numbers and texts; what is absent is no reason.
CONDITION = (
    "(TAGS IN ('TagA', 'TagB') AND index BETWEEN 100 AND 1100 OR color STARTSWITH 'rouge' AND KEYS NOT CONTAINS '9')"
    " AND index >= 10 AND (absent > 5) IS NULL"
)


def passes_condition(entry):
    """What `CONDITION` says."""
    number = int(entry.index)
    by_tag = entry.tag in ("TagA", "TagB") and 100 <= number <= 1100
    by_color = entry.color.startswith("rouge") and "9" not in entry.key
    return (by_tag or by_color) and number >= 10


KINDS = {
    "sync": Kind(produce_first=True),
    "async": Kind(produce="async"),
    "one-way": Kind(produce="oneway"),
    "batch": Kind(produce="batch"),
    "batch-split": Kind(produce="split"),
    "batch-listener": Kind(produce="batch", mode="batch", plan="tagged", produce_first=True),
    "batch-retry": Kind(produce="batch", mode="retry-batch", plan="again", attempts=3, produce_first=True),
    "batch-orderly": Kind(produce="hash", mode="retry-batch-orderly", plan="again", attempts=3, produce_first=True),
    "tagged": Kind(expression="TagA || TagC", plan="tagged"),
    "filtered-sql": Kind(mode="sql", expression=CONDITION, plan="tagged", passes=passes_condition),
    "keyed": Kind(),
    "hash-ordered": Kind(produce="hash", mode="orderly"),
    "two-members": Kind(members=2),
    "broadcast": Kind(mode="broadcast", members=2),
    "retry": Kind(mode="retry", plan="again", attempts=3),
    "lz4": Kind(produce="lz4", plan="packed", packed=1),
    "zstd": Kind(produce="zstd", plan="packed", packed=2),
    "zlib": Kind(produce="zlib", plan="packed", packed=3),
    "paced": Kind(produce="paced", plan="small"),
    "request": Kind(produce="request", mode="reply", plan="small"),
    "request-callback": Kind(produce="request-callback", mode="reply", plan="small"),
    "request-empty": Kind(produce="request-empty", mode="reply-empty", plan="small"),
    # The second delay level is chosen for each attempt, which the broker would not choose.
    "retry-choice": Kind(mode="retry-choice", plan="again-small", attempts=3, pause_ms=5000),
    # Levels 3 and 4, which the runner's brokers have at 1 s.
    "retry-by-broker": Kind(mode="retry-by-broker", plan="again-small", attempts=3, pause_ms=1000),
    "dead": Kind(mode="dead", plan="again"),
    "levels": Kind(produce="levels", plan="small", timed=True),
    "times": Kind(produce="times", plan="again-small", timed=True, recalled=True),
    "refused-times": Kind(produce="times", plan="again-small", refused="a broker of RocketMQ 5"),
    "fitting": Kind(produce="fitting", plan="small", timed=True),
    "transaction": Kind(produce="transaction", plan="small"),
    "dead-orderly": Kind(produce="hash", mode="dead-orderly", plan="again"),
    "retry-orderly": Kind(produce="hash", mode="retry-orderly", plan="again", attempts=3),
    "uncommitted-orderly": Kind(produce="hash", mode="uncommitted-orderly", plan="small"),
    # Whoever polls gets each queue in its order, and commits what it has got when it ends.
    "lite-pull": Kind(produce="hash", mode="lite-pull-orderly"),
    "lite-pull-assigned": Kind(produce="hash", mode="lite-pull-assigned-orderly"),
    "lite-pull-tagged": Kind(mode="lite-pull", expression="TagA || TagC", plan="tagged"),
    "lite-pull-members": Kind(mode="lite-pull", members=2),
    "pull": Kind(produce="hash", mode="pull-orderly"),
    "pull-tagged": Kind(mode="pull", expression="TagA || TagC", plan="tagged"),
}


@dataclasses.dataclass
class Cell:
    """What one line of the table stands for."""

    server: str
    producer: clients.Client
    consumer: clients.Client
    kind: str

    @property
    def name(self):
        """The name that filters look at."""
        pair = self.producer.name
        if self.consumer.name != pair:
            pair = f"{pair}>{self.consumer.name}"
        return f"{self.server}/{pair}/{self.kind}"


class Bench:
    """Where cells run: one pair of servers, the plans, a directory for files."""

    def __init__(self, home, server, plans, seconds=SECONDS):
        self.home = pathlib.Path(home)
        self.server = server
        self.plans = plans
        self.seconds = seconds
        self._number = 0

    def run(self, cell):
        """Runs a cell; returns how many deliveries were compared, raises `Failed`."""
        with contextlib.ExitStack() as stack:
            return self.prepare(cell, stack).everything()

    def prepare(self, cell, stack, make=None):
        """A run that ends with `stack`; `make` makes it, or `Run`."""
        self._number += 1
        kind = KINDS[cell.kind]
        text = cell.producer.text or cell.consumer.text
        topic = f"interop-{self._number}-{cell.kind}"
        return (make or Run)(self, cell, kind, self.plans[kind.plan, text], topic, stack)

    def ask(self, code, fields):
        """A raw request to the broker: answer code, header, body."""
        return servers.ask(self.server.broker, code, fields)


class Run:
    """One run of one cell, with its topic, group and files."""

    def __init__(self, bench, cell, kind, plan, topic, stack):
        self.bench, self.cell, self.kind, self.plan = bench, cell, kind, plan
        self.topic, self.stack = topic, stack
        self.group = f"{topic}-group"
        self.home = bench.home / topic
        self.home.mkdir(parents=True)
        self.members = []
        wanted = [entry for entry in plan.entries if kind.wanted(entry)]
        self.entries = [entry for entry in wanted if not (kind.recalled and entry.color == plans.AGAIN)]

    def everything(self):
        if self.kind.refused:
            return self.refused()
        if self.kind.produce_first:
            # ali-ons asks nobody for TBW102: its topics must be there.
            if self.cell.producer.name == "node":
                self.create_topic()
            sent = self.produce()
            self.wait_for_route()
            self.consume()
        else:
            self.create_topic()
            self.consume()
            sent = self.produce()
        return self.judge(sent)

    def refused(self):
        """The producer ends with the reason, and the topic is empty."""
        self.create_topic()
        try:
            self.produce()
        except Failed as problem:
            if self.kind.refused not in str(problem):
                raise
        else:
            raise Failed("nothing was refused")
        stored = [end for _, end in self.offsets() if end != "0"]
        if stored:
            raise Failed(f"{len(stored)} queues hold what was refused")
        return "refused, and nothing stored"

    def judge(self, sent):
        """Waits for the deliveries, stops the members, and counts or raises `Failed`."""
        received = self.wait_for_deliveries()
        problems = self.problems(sent, received)
        if self.cell.consumer.leaves_handlers:
            problems += self.committed()
        problems += self.stop_members()
        problems += self.committed()
        if problems:
            more = f" (and {len(problems) - 4} more)" if len(problems) > 4 else ""
            raise Failed("; ".join(problems[:4]) + more)
        return sum(map(len, received))

    def create_topic(self):
        fields = {
            "topic": self.topic, "defaultTopic": "TBW102", "readQueueNums": QUEUES,
            "writeQueueNums": QUEUES, "perm": 6, "topicFilterType": "SINGLE_TAG",
            "topicSysFlag": 0, "order": "false",
        }  # fmt: skip
        code, header, _ = self.bench.ask(CREATE_TOPIC, {key: str(fields[key]) for key in fields})
        if code != 0:
            raise Failed(f"the broker refused to create a topic: {code} {header.get('remark')}")
        self.wait_for_route()

    def wait_for_route(self):
        namesrv = self.bench.server.namesrv.split(";")[0]

        def known():
            return servers.ask(namesrv, servers.ROUTE_REQUEST, {"topic": self.topic})[0] == 0

        try:
            processes.wait_until(known, 60, f"the route of {self.topic}")
        except TimeoutError as error:
            raise Failed(str(error)) from error

    def produce(self):
        return self.sent(self.start_producer())

    def start_producer(self):
        command = [
            *self.cell.producer.command("produce", self.home),
            self.bench.server.namesrv, self.topic, self.kind.produce, self.plan.directory,
            self.home / "sent",
        ]  # fmt: skip
        with (self.home / "produce.log").open("wb") as errors:
            process = processes.spawn(
                command, cwd=self.home, env=environment(self.home),
                stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
            )  # fmt: skip
        self.stack.callback(processes.stop, process, 1)
        return process

    def sent(self, producer):
        """Waits for the producer's end; its acknowledged sends by index."""
        log = self.home / "produce.log"
        try:
            producer.wait(self.bench.seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"sending took more than {self.bench.seconds} s{tail(log)}") from None
        if producer.returncode != 0:
            raise Failed(f"the producer ended with {producer.returncode}{tail(log)}")
        sent = {line["index"]: line for line in lines(self.home / "sent")}
        if len(sent) != len(self.plan.entries):
            raise Failed(f"{len(sent)} of {len(self.plan.entries)} sends were acknowledged")
        return sent

    def consume(self):
        for number in range(self.kind.members):
            member = f"member-{number}"
            home = self.home / member
            home.mkdir()
            command = [
                *self.cell.consumer.command("consume", home),
                self.bench.server.namesrv, self.topic, self.group, self.kind.mode,
                self.kind.expression, f"{self.topic}-{member}", home / "received",
            ]  # fmt: skip
            with (home / "log").open("wb") as errors:
                process = processes.spawn(
                    command, cwd=home, env=environment(home),
                    stdin=subprocess.PIPE, stdout=errors, stderr=errors,
                )  # fmt: skip
            self.stack.callback(processes.stop, process, 1)
            self.members.append((process, home))
        for process, home in self.members:

            def ready(process=process, home=home):
                if process.poll() is not None:
                    raise Failed(f"a consumer ended with {process.returncode}{tail(home / 'log')}")
                return any("ready" in line for line in lines(home / "received"))

            try:
                processes.wait_until(ready, SECONDS, "the start of a consumer")
            except TimeoutError as error:
                raise Failed(f"{error}{tail(home / 'log')}") from error
        if self.kind.members > 1:
            self.wait_for_members()

    def wait_for_members(self):
        """Until the broker knows every member, and they had the time to share the queues."""

        def known():
            code, _, body = self.bench.ask(GET_CONSUMER_LIST, {"consumerGroup": self.group})
            return code == 0 and len(json.loads(body)["consumerIdList"]) == self.kind.members

        try:
            processes.wait_until(known, SECONDS, f"a group of {self.kind.members} members")
        except TimeoutError as error:
            raise Failed(str(error)) from error
        time.sleep(3)

    def received(self):
        """The deliveries of each member so far."""
        return [
            [line for line in lines(home / "received") if "index" in line] for _, home in self.members
        ]

    def groups(self):
        """The deliveries so far of each group: in broadcast mode every member is one."""
        received = self.received()
        return received if self.kind.mode == "broadcast" else [sum(received, [])]

    def wait_for_deliveries(self):
        """Until everything has come, and then a moment for what should not come."""

        def enough():
            return all(
                compare.complete(self.entries, group, self.kind.attempts) for group in self.groups()
            )

        with contextlib.suppress(TimeoutError):
            processes.wait_until(enough, self.bench.seconds, "the last delivery", 0.2)
        time.sleep(0.5)
        return self.received()

    def problems(self, sent, received):
        kind, cell = self.kind, self.cell
        # A 5.x client gives the batch an id of its own and Apache's broker adds it to every message.
        same_ids = cell.producer.ids == cell.consumer.ids and kind.produce not in ("batch", "split")
        # What was stored for later lies elsewhere when it comes.
        same_ids = same_ids and not (kind.timed and cell.producer.ids != "unique")
        found = []
        for group in self.groups():
            found += compare.deliveries(
                self.entries, sent, group, same_ids, kind.attempts, cell.consumer.whole_batches
            )
            if "orderly" in kind.mode:
                found += compare.order(self.entries, group)
                if cell.producer.java_hash:
                    found += compare.java_hash(self.entries, group, QUEUES)
            if kind.pause_ms:
                found += compare.pauses(group, kind.pause_ms)
            if kind.timed:
                found += compare.times(sent, group, EARLY_BY_APACHE if cell.server.startswith("apache") else 0)
        if kind.members > 1 and not all(received):
            found.append(f"the members got {[len(part) for part in received]} messages")
        if cell.kind == "keyed":
            found += self.look_up_keys()
        if "batch" in kind.mode and not self.came_together():
            found.append("every message came in a call of its own")
        if kind.packed:
            found += self.look_at_packing()
        return found

    def came_together(self):
        """Whether a listener that takes several messages got several in one call."""
        return any("together" in line for _, home in self.members for line in lines(home / "received"))

    def look_at_packing(self):
        """What is delivered whole must have been stored packed, or the cell shows nothing."""
        for entry in self.entries:
            _, _, body = self.query(entry)
            (flags,) = struct.unpack_from(">I", body.ljust(SYSTEM_FLAGS + 4, b"\0"), SYSTEM_FLAGS)
            packed = flags >> PACKED_BY & 7 if flags & PACKED else 0
            if packed != (self.kind.packed if entry.size > PACKED_OVER else 0):
                yield f"message {entry.index} of {entry.size} bytes is stored with the flags {flags:#x}"

    def query(self, entry):
        """A message by its key: answer code, header, body."""
        fields = {"topic": self.topic, "key": entry.key, "maxNum": "32",
                  "beginTimestamp": "0", "endTimestamp": str(2**62)}  # fmt: skip
        return self.bench.ask(QUERY_MESSAGE, fields)

    def look_up_keys(self):
        """Every hundredth message must be found by its key."""
        for entry in self.entries[::100]:
            code, header, body = self.query(entry)
            if code != 0 or entry.key.encode() not in body:
                yield f"query by {entry.key}: code {code} {header.get('remark')}, {len(body)} bytes"

    def stop_members(self):
        """Ends their standard input; each must then leave in order."""
        problems = []
        for process, _ in self.members:
            process.stdin.close()
        for process, home in self.members:
            try:
                if process.wait(SECONDS) != 0:
                    problems.append(f"a consumer stopped with {process.returncode}{tail(home / 'log')}")
            except subprocess.TimeoutExpired:
                problems.append(f"a consumer did not stop within {SECONDS} s")
        return problems

    def committed(self):
        """A consumer that stopped in order has left its offsets with the broker."""
        if self.kind.mode == "broadcast" or self.kind.expression != "*":
            return []
        if self.kind.mode.startswith("pull") and not self.cell.consumer.commits_pulls:
            return []

        left = self.left_uncommitted()

        def told():
            return all(int(done or 0) == int(end or 0) - left.get(queue, 0)
                       for queue, (done, end) in enumerate(self.offsets()))  # fmt: skip

        try:
            processes.wait_until(told, 30, "commits")
        except TimeoutError:
            return [f"committed and greatest offsets differ: {self.offsets()}, left uncommitted: {left}"]
        return []

    def left_uncommitted(self):
        """How many messages at the end of each queue the listener has left uncommitted: every third."""
        left = collections.Counter()
        if self.kind.mode.startswith("uncommitted"):
            for line in sorted(sum(self.received(), []), key=lambda line: line["offset"]):
                queue = line["queue"]
                left[queue] = left[queue] + 1 if int(line["index"]) % 3 == 0 else 0
        return left

    def offsets(self):
        """What the group has committed and the greatest offset, of each queue."""
        pairs = []
        for queue in range(QUEUES):
            place = {"topic": self.topic, "queueId": str(queue)}
            _, end, _ = self.bench.ask(MAX_OFFSET, place)
            _, done, _ = self.bench.ask(QUERY_OFFSET, {**place, "consumerGroup": self.group})
            pairs.append(
                tuple((answer.get("extFields") or {}).get("offset") for answer in (done, end))
            )
        return pairs


def environment(home):
    """A home of their own for the clients' logs and offset files."""
    return {**os.environ, "HOME": str(home), "ROCKETMQ_GO_LOG_LEVEL": "error"}


def lines(path):
    """The whole lines of a file of JSON that may still be written."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def tail(log):
    """The last words of a program, for the table."""
    words = log.read_text(errors="replace").strip().splitlines()[-6:]
    return ": " + " | ".join(words) if words else ""
