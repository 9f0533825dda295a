"""Two consumers with one `instanceName`: the new one is served on when the old one leaves.

A Java service that is deployed anew does this when its client id is fixed: for a moment there are
two connections of one client id, and what the old one says when it leaves must not count for both.
"""

import contextlib
import functools

from . import beside, cells, exchange, plan, processes

TOPIC = "successor"
GROUP = "successor-group"
QUEUES = 4
MESSAGES = 500

# Heartbeats come every 30 s. Who is forgotten is served again with the next.
MOST_BEHIND_APACHE_MS = 3_000


def checks(pair):
    """Lets both servers see a change of consumers under load; one name and one check."""
    pair.start({})
    messages = plan.write(pair.home / "successor-plan", small=MESSAGES, medium=0, large=())
    with contextlib.ExitStack() as stack:
        for server in (pair.theirs, pair.ours):
            exchange.create_topic(server, TOPIC, QUEUES)
        old, new = (consumers(pair, stack, label) for label in ("old", "new"))
        producers = pair.run(
            stack, "Produce",
            lambda server: [server.namesrv, TOPIC, "paced", messages.directory, "sent"],
        )  # fmt: skip
        for program in old:
            program.wait_for("index", "received")
        for program in old:
            program.leave()
        for program in (*old, *producers):
            program.finish()
        seen = [wait_for_all(*programs) for programs in zip(old, new)]
        for program in new:
            program.finish()
    yield "the new one is served", functools.partial(check, *seen)
    theirs = seen[0]
    late = [{**theirs[0], "waited": 22_000}, *theirs[1:]]
    missing = [line for line in theirs if line["index"] != "0"]
    for name, altered in (("one late", late), ("one missing", missing)):
        yield f"{name}, altered", functools.partial(beside.noticed, check, theirs, altered)


def consumers(pair, stack, label):
    """A consumer for each, which has started when this returns."""
    programs = pair.run(
        stack, "Consume",
        lambda server: [server.namesrv, TOPIC, GROUP, "concurrent", "*", "one-instance", "received"],
        label,
    )  # fmt: skip
    for program in programs:
        program.wait_for("ready", "received")
    return programs


def wait_for_all(old, new):
    """What both consumers received, as soon as every message has come."""

    def received():
        return [
            line for program in (old, new) for line in cells.lines(program.home / "received")
            if "index" in line
        ]  # fmt: skip

    with contextlib.suppress(TimeoutError):
        processes.wait_until(lambda: len(indexes(received())) == MESSAGES, 60, "the last delivery")
    return received()


def indexes(received):
    """Which messages came."""
    return {line["index"] for line in received}


def check(theirs, ours):
    """Nothing is missing, and no message waited for its delivery much longer than with Apache."""
    for place, received in (("there", theirs), ("here", ours)):
        if len(indexes(received)) != MESSAGES:
            raise cells.Failed(f"{len(indexes(received))} of {MESSAGES} messages came {place}")
    there, here = (max(line["waited"] for line in received) for received in (theirs, ours))
    if here > there + MOST_BEHIND_APACHE_MS:
        raise cells.Failed(f"a message waited {here} ms here, {there} ms there at most")
    return f"{MESSAGES} messages waited {here} ms here and {there} ms there at most"
