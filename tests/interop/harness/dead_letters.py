"""Messages that die: listed by `mq dlq` with what is known of them, and sent again once, to the group."""

import collections
import contextlib

from . import cells, clients, dlq, plan, processes, servers

SECONDS = 60

# What `mq dlq` ends with when something is not there, and when a broker refuses.
NOT_THERE = 3
REFUSED = 4

# A message that nobody has ever sent.
STRANGE_ID = "0" * 32

# Why our consumer gives a message up.
REASON = "the color is again"


def checks():
    """A name and a check for each server and each consumer."""
    consumers = (clients.java("5.3.3"), clients.java("4.9.8"), clients.rust())
    starts = {
        "mq": servers.mq,
        "apache-5.3.3": servers.apache,
        "apache-4.9.7": lambda home: servers.apache(home, version="4.9.7"),
    }
    for server, start in starts.items():
        for consumer in consumers:
            # Apache's clients on Apache's servers are told about by `mq dlq` all the same.
            yield f"{server}/{consumer.name}/dead letters", _check(start, consumer, "dead", _once_more)
    # Only our consumer can say in order that a message is given up.
    for server, then in (("mq", _once_more), ("apache-5.3.3", _back_at_once)):
        check = _check(starts[server], clients.rust(), "dead-orderly", then)
        yield f"{server}/rust/dead letters in order", check


def _check(start, consumer, kind, then):
    def check(home, plans):
        with start(home / "server") as server, contextlib.ExitStack() as stack:
            bench = cells.Bench(home, server, plans)
            cell = cells.Cell(server.kind, clients.rust(), consumer, kind)
            return _one(bench.prepare(cell, stack), bench, consumer, then)

    return check


def _one(run, bench, consumer, then):
    """Lets messages die, compares what is told of them, and goes on with `then`."""
    run.create_topic()
    run.consume()
    sent = run.produce()
    ids = {
        sent[entry.index]["id"]: entry.index for entry in run.entries if entry.color == plan.AGAIN
    }
    everything = {entry.index for entry in run.entries}
    _wait_for(run, collections.Counter(everything), "the first delivery of each")
    with_reason = consumer.name == "rust"

    def letters():
        found = dlq.told(bench.server, run.group, "list", "--limit", "1000")
        return found if len(found) >= len(ids) else None

    try:
        found = processes.wait_until(letters, SECONDS, "the dead letters")
    except TimeoutError as error:
        raise cells.Failed(str(error)) from error
    problems = list(_differences(run, ids, found, with_reason))
    if problems:
        raise cells.Failed("; ".join(problems[:4]))

    then(run, bench, ids, found)
    problems = run.stop_members() + run.committed()
    if problems:
        raise cells.Failed("; ".join(problems))
    return len(ids)


def _back_at_once(run, bench, _ids, found):
    """Apache's broker makes a dead letter of what is sent to a group with locks, and that is told."""
    done = dlq.run(bench.server, run.group, "resend", found[0]["id"])
    if done.returncode != REFUSED or "at once" not in done.stderr:
        raise cells.Failed(f"`resend` ended with {done.returncode}: {done.stderr[-300:]}")
    after = dlq.told(bench.server, run.group, "list")
    sent = [letter["sentAgain"]["topic"] for letter in after if letter["sentAgain"]]
    if len(after) != len(found) + 1 or sent != [f"%DLQ%{run.group}"]:
        raise cells.Failed(f"{len(found)} dead letters before, {len(after)} after; sent again: {sent}")
    _wait_for(run, collections.Counter(entry.index for entry in run.entries), "nothing more")


def _once_more(run, bench, ids, found):
    """Each dead letter is sent again, comes, and is not sent a second time."""
    everything = {entry.index for entry in run.entries}
    shown = dlq.told(bench.server, run.group, "show", found[0]["id"])
    if len(shown) != 1 or shown[0]["properties"].get("color") != plan.AGAIN:
        raise cells.Failed(f"`show` tells {shown}")
    first = dlq.told(bench.server, run.group, "resend", found[0]["id"])
    rest = dlq.told(bench.server, run.group, "resend", "--all")
    outcomes = [letter["outcome"] for letter in first + rest]
    if outcomes != ["sent"] * len(ids):
        raise cells.Failed(f"sent again: {outcomes}")
    twice = collections.Counter(everything) + collections.Counter(ids.values())
    _wait_for(run, twice, "the second delivery of each dead letter")
    again = dlq.told(bench.server, run.group, "resend", "--all")
    again += dlq.told(bench.server, run.group, "resend", found[-1]["id"])
    if [letter["outcome"] for letter in again] != ["sentBefore"]:
        raise cells.Failed(f"a second time: {again}")
    unmarked = [one["id"] for one in dlq.told(bench.server, run.group, "list") if not one["sentAgain"]]
    if unmarked:
        raise cells.Failed(f"not shown as sent again: {unmarked}")
    code = dlq.run(bench.server, run.group, "show", STRANGE_ID).returncode
    if code != NOT_THERE:
        raise cells.Failed(f"`show` of an id that nobody has ends with {code}")
    _wait_for(run, twice, "nothing more")


def _differences(run, ids, found, with_reason):
    told = collections.Counter(letter["id"] for letter in found)
    if told != collections.Counter(ids.keys()):
        yield f"{len(told)} of {len(ids)} messages are listed, {sum(told.values())} times"
    for letter in found:
        expected = {
            "topic": run.topic, "attempts": 1, "sentAgain": None,
            "reason": REASON if with_reason else None,
        }  # fmt: skip
        for name, value in expected.items():
            if letter[name] != value:
                yield f"{name} {letter[name]!r} instead of {value!r}"
        if not letter["originId"]:
            yield "no origin id"


def _wait_for(run, wanted, what):
    """Until each message has come as often as wanted; more often is a failure at once."""

    def come():
        received = collections.Counter(line["index"] for line in sum(run.received(), []))
        surplus = received - wanted
        if surplus:
            raise cells.Failed(f"came too often: {list(surplus)[:5]}")
        late = [line for line in sum(run.received(), []) if line["attempt"] != 0]
        if late:
            raise cells.Failed(f"came in a later attempt: {late[0]}")
        return received == wanted

    try:
        processes.wait_until(come, SECONDS, what)
    except TimeoutError as error:
        raise cells.Failed(str(error)) from error
