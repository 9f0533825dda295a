"""Our client on a broker in its own process, which has no socket: every kind, compared as in the matrix."""

import collections
import contextlib
import functools
import os
import pathlib
import subprocess

from . import cells, clients, compare, plan, processes, tools

# What a process shows of its TCP sockets, and how many fields stand before the number of one.
TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
INODE = 9

# By its key a message is looked up over a socket.
KINDS = (*(kind for kind in clients.rust().kinds if kind != "keyed"), "dead")


def checks():
    """A name and a check for each kind, and one whose process has sockets, which must be seen."""
    for kind in KINDS:
        yield f"embedded/rust/{kind}", functools.partial(_one, kind)
    yield "embedded/rust/sync with a port", _with_a_port


def _one(kind, home, plans, listen="-"):
    home.mkdir(parents=True)
    cell = cells.Cell("embedded", clients.rust(), clients.rust(), kind)
    with contextlib.ExitStack() as stack:
        bench = cells.Bench(home, None, plans)
        return bench.prepare(cell, stack, functools.partial(Run, listen=listen)).everything()


def _with_a_port(home, plans):
    try:
        _one("sync", home, plans, "127.0.0.1:0")
    except cells.Failed as problem:
        if "sockets" in str(problem):
            return f"failed as it must: {str(problem)[:60]}"
        raise
    raise cells.Failed("nobody noticed the sockets")


class Run(cells.Run):
    """A run in one process, which is every member."""

    def __init__(self, *arguments, listen):
        super().__init__(*arguments)
        self.listen = listen
        self.log = self.home / "log"
        self.process = None

    def everything(self):
        kind = self.kind
        command = [
            clients.rust_program(), "embedded", self.home, self.listen, self.topic,
            kind.produce, kind.mode, kind.expression, kind.members, self.plan.directory,
        ]  # fmt: skip
        with self.log.open("wb") as errors:
            self.process = processes.spawn(
                command, cwd=self.home, env=cells.environment(self.home),
                stdin=subprocess.PIPE, stdout=errors, stderr=errors,
            )  # fmt: skip
        self.stack.callback(processes.stop, self.process, 1)
        self.members = [
            (self.process, self.home / f"member-{number}") for number in range(kind.members)
        ]
        self.wait_for_lines("produced")
        sent = {line["index"]: line for line in cells.lines(self.home / "sent")}
        if len(sent) != len(self.plan.entries):
            raise cells.Failed(f"{len(sent)} of {len(self.plan.entries)} sends were acknowledged")
        return self.judge(sent)

    def wait_for_lines(self, name):
        def written():
            if self.process.poll() is not None:
                raise cells.Failed(f"it ended with {self.process.returncode}{cells.tail(self.log)}")
            return cells.lines(self.home / name)

        try:
            processes.wait_until(written, self.bench.seconds, f"`{name}`")
        except TimeoutError as error:
            raise cells.Failed(f"{error}{cells.tail(self.log)}") from error

    def problems(self, sent, received):
        found = [f"the process has {count} sockets" for count in [sockets(self.process.pid)] if count]
        if self.cell.kind != "dead":
            return found + super().problems(sent, received)
        first, again = [], []
        for line in sum(received, []):
            (again if any(line["index"] == other["index"] for other in first) else first).append(line)
        dying = [entry for entry in self.entries if entry.color == plan.AGAIN]
        found += compare.deliveries(self.entries, sent, first)
        found += compare.deliveries(dying, {}, again)
        return found + list(self.dead(collections.Counter(sent[entry.index]["id"] for entry in dying)))

    def dead(self, ids):
        """Problems of the dead letters that the process was told of."""
        letters = cells.lines(self.home / "dead")
        if collections.Counter(letter["id"] for letter in letters) != ids:
            yield f"{len(letters)} dead letters instead of {len(ids)}"
        for letter in letters:
            if (letter["attempts"], letter["reason"]) != (1, True):
                yield f"a dead letter is told of as {letter}"

    def committed(self):
        """There is no port to ask for offsets."""
        return []


def sockets(pid):
    """How many TCP sockets a process has, listening ones and others."""
    own = set()
    directory = pathlib.Path(f"/proc/{pid}/fd")
    if not directory.exists():
        raise tools.MissingTool("/proc")
    for descriptor in directory.iterdir():
        with contextlib.suppress(FileNotFoundError):
            own.add(os.readlink(descriptor))
    rows = [row.split() for table in TABLES for row in pathlib.Path(table).read_text().splitlines()[1:]]
    return sum(f"socket:[{row[INODE]}]" in own for row in rows)
