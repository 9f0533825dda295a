"""A Spring Boot application on rocketmq-spring, and the same one on mq-starter, on one server.

Each listens to what the other sends: the template of one is on the other side of the listeners of the
other, in both directions at once, for every kind of message. Both take the same settings and leave
lines of the same form.
"""

import contextlib
import dataclasses
import functools
import itertools
import json
import pathlib

from . import cells, exchange, processes, programs, servers, tools
from .direction import BATCH, KINDS, QUEUES, Direction

SECONDS = 60
ORDERS = 24
SHARDS = 5


def _without(kinds, *others):
    return tuple(kind for kind in kinds if kind not in others)


@dataclasses.dataclass(frozen=True)
class Release:
    """One of rocketmq-spring, with a Spring Boot that it works with, and the kinds that each side sends."""

    version: str
    boot: str
    spring: tuple
    ours: tuple

    @property
    def name(self):
        return f"spring-{self.version}"


# The client 5.3.2 in 2.3.5 gives up a request without a callback as soon as it is sent (apache/rocketmq
# #9319); that in 2.3.1 waits for the reply. 2.2.0 knows no times.
BROKEN = ("request", "greeting")
NEWEST = Release("2.3.5", "3.5.6", (*_without(KINDS, *BROKEN), BATCH), (*KINDS, BATCH))
WITH_REQUESTS = Release("2.3.1", "3.5.6", BROKEN, ())
OLD = Release("2.2.0", "2.7.18", _without(KINDS, "times"), KINDS)

OURS = "starter"


class Side(programs.Running):
    """One of the two applications; it sends to topics that begin with `topics`."""

    def __init__(self, home, name, command, topics, settings):
        self.topics = topics
        arguments = {**settings, "interop.mine": topics, "interop.out": pathlib.Path(home) / "out"}
        super().__init__(home, name, [*command, *(f"--{key}={value}" for key, value in arguments.items())])

    def lines(self, member, value=None):
        """The lines so far that have that member, or have it with that value."""
        return having(cells.lines(self.home / "out"), member, value)

    def send(self):
        """Has it send everything."""
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()


@dataclasses.dataclass(frozen=True)
class Meeting:
    """The two applications on a server of that kind."""

    server: str
    release: Release

    @property
    def name(self):
        return f"{self.server}/{self.release.name}"

    def names(self):
        """The name of each cell, with its sender and the kind of its messages."""
        spring, release = self.release.name, self.release
        return {
            f"{self.server}/{sender}>{receiver}/{kind}": (sender, kind)
            for sender, receiver, kinds in ((spring, OURS, release.spring), (OURS, spring, release.ours))
            for kind in _checked(kinds)
        }

    @contextlib.contextmanager
    def held(self, server, home):
        """Starts both and has them send; gives the check of each cell, and the last one."""
        home = pathlib.Path(home)
        home.mkdir(parents=True)
        orders = orders_to_send()
        lines = (json.dumps(order, ensure_ascii=False) + "\n" for order in orders)
        (home / "orders").write_text("".join(lines), encoding="utf-8")
        with contextlib.ExitStack() as stack:
            spring, ours = self._start(server, home, stack)
            directions = {
                spring.name: Direction(server, orders, spring, ours, stamped=True),
                ours.name: Direction(server, orders, ours, spring, stamped=False),
            }
            for side in (spring, ours):
                side.wait_for("ready", "out")
            for side in (spring, ours):
                side.send()
            checks = {
                name: functools.partial(directions[sender].check, kind)
                for name, (sender, kind) in self.names().items()
            }
            yield checks, functools.partial(_leave, (spring, ours))

    def _start(self, server, home, stack):
        release = self.release
        prefix = release.name.replace(".", "-")
        topics = (f"{prefix}-to-{OURS}", f"{OURS}-to-{prefix}")
        for name, kind in itertools.product(topics, (*KINDS, BATCH)):
            exchange.create_topic(server, f"{name}-{kind}", QUEUES)
        spring = servers.jvm_command(
            tools.spring_class_path(release.version, release.boot), "mq.interop.spring.Application",
            [("rocketmq.client.rebalance.waitInterval", 2000), ("user.home", home)],
        )  # fmt: skip
        ours = [servers.cargo_built("interop-starter", "mq-tests")]
        for name, command, mine, theirs, kinds in (
            (release.name, spring, *topics, release.spring),
            (OURS, ours, *reversed(topics), release.ours),
        ):
            settings = {
                "rocketmq.name-server": server.namesrv, "rocketmq.producer.group": f"{prefix}-and-{OURS}",
                "rocketmq.producer.send-message-timeout": 20_000, "interop.theirs": theirs,
                "interop.kinds": ",".join(kinds), "interop.orders": home / "orders",
            }  # fmt: skip
            side = Side(home / name, name, command, mine, settings)
            stack.callback(processes.stop, side.process, 1)
            yield side


def having(lines, member, value):
    """The lines that have that member, or have it with that value."""
    return [line for line in lines if member in line and value in (None, line[member])]


def _checked(kinds):
    """What is typed is looked at twice: as a payload alone, and by tag with all that came along."""
    for kind in kinds:
        yield kind
        if kind == "typed":
            yield "tagged"


def orders_to_send():
    """The orders, which both applications read."""
    return [
        {"id": number, "product": f"绿茶 \"{number}\" é", "price": 0.25 * number, "quantity": number % 4 + 1,
         "gift": number % 2 == 1, "notes": ["\\", "a b"][: number % 3], "shard": f"shard-{number % SHARDS}"}
        for number in range(ORDERS)
    ]  # fmt: skip


def _leave(sides):
    """Both must have sent everything, and leave in order."""
    for side in sides:
        side.wait_for("all", "out", SECONDS)
    for side in sides:
        side.finish(30)
    return "both sent everything and left in order"
