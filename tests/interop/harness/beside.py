"""Apache's servers and those under test, asked the same by the same programs.

Apache's are started once and told new settings while they run; those under test start anew with
them. In a run of Apache's servers alone both are Apache's: what differs then is chance, and the
comparison must leave it out.
"""

import contextlib
import pathlib

from . import cells, processes, programs, servers

APACHE = "apache-5.3.3"
BROKER = "broker-a"
UPDATE_CONFIG = 25

# What is on by default here and off in Apache's broker, and would be in every list of topics.
AS_APACHES = {"traceTopicEnable": "false"}


class Pair(contextlib.ExitStack):
    """Apache's servers of that version and those of `kind`."""

    def __init__(self, home, kind, version="5.3.3"):
        super().__init__()
        self.home, self.kind, self.version = pathlib.Path(home), kind, version
        self.theirs = self.ours = None
        self._started = contextlib.ExitStack()
        self._number = 0

    def start(self, settings):
        """Lets both have these settings; what earlier ones changed must be among them."""
        self._number += 1
        if self.theirs is None:
            self.theirs = self._apache("their-servers")
        change(self.theirs, settings)
        if self.kind == APACHE:
            self.ours = self.ours or self._apache("our-servers")
            change(self.ours, settings)
        else:
            self._started.close()
            self.push(self._started)
            self.ours = self._started.enter_context(
                servers.mq(
                    self.home / f"our-servers-{self._number}",
                    settings={"brokerName": BROKER, **AS_APACHES, **settings},
                )
            )

    def _apache(self, name):
        start = servers.apache(self.home / name, self.version, settings={"brokerName": BROKER})
        server = self.enter_context(start)
        # Nobody needs its store again, and stopping in order takes it ten seconds.
        self.callback(server.kill)
        return server

    def run(self, stack, name, arguments, label=None):
        """The program `name` against both, as two `Program`s that end with `stack` at the latest.

        `arguments` makes its arguments of a server; `label` tells two of one name apart.
        """
        both = []
        for place, server in (("their", self.theirs), ("our", self.ours)):
            home = self.home / f"{place}-{label or name}-{self._number}"
            both.append(programs.Program(home, name, arguments(server)))
            stack.callback(processes.stop, both[-1].process, 1)
        return both


def change(server, settings):
    """Gives Apache's running broker other settings."""
    body = "".join(f"{key}={value}\n" for key, value in settings.items()).encode()
    code, header, _ = servers.ask(server.broker, UPDATE_CONFIG, {}, body)
    if code != 0:
        raise RuntimeError(f"Apache's broker refused {settings}: {code} {header.get('remark')}")


def noticed(check, *answers):
    """The negative control: the same check fails for answers of which one was altered."""
    try:
        check(*answers)
    except cells.Failed as problem:
        return f"noticed: {str(problem)[:60]}"
    raise cells.Failed("the altered answer passed")


def same(theirs, ours):
    """How many lines are the same; raises `Failed` with the first that is not."""
    for number in range(max(len(theirs), len(ours))):
        their, our = (lines[number] if number < len(lines) else "nothing" for lines in (theirs, ours))
        if their != our:
            raise cells.Failed(f"line {number + 1}: {our!r} here, {their!r} there")
    return f"{len(theirs)} lines compared"
