"""Message trace of Java's client and of ours, in Apache's broker and in ours, as Apache's `mqadmin` 5.3.3 prints it.

Both clients send the same and consume it at the second attempt. What `queryMsgTraceById` prints of each message,
and what `mq message trace` prints of it, must be the same, but for times and addresses.
"""

import contextlib
import re
import subprocess

from . import beside, cells, clients, exchange, printed, processes, programs, servers

APACHE = "apache-5.3.3"
TOPIC = "traced"
SECONDS = 60
SETTINGS = {"messageDelayLevel": "1s 1s 1s", "traceTopicEnable": "true"}

# For each message one line of its send and one for each attempt, with their headings. The command has one
# heading for each message, and a line for the end of the transaction.
LINES = 3 * (2 + 3)
LINES_OF_COMMAND = 3 * (1 + 3) + 1

MASKS = [(re.compile(r"\b\d+ ?ms\b"), "COST")]


def checks():
    """What Java writes into Apache's broker is what all the others are compared with."""
    starts = {"mq": servers.mq, APACHE: servers.apache}
    for server, start in starts.items():
        yield f"{server}/trace", lambda home, _plans, start=start: _check(home, start)
    yield f"{APACHE}/trace, altered", lambda home, _plans: _altered(home)


def _check(home, start):
    """Both clients with the servers of `start`, beside Java's with Apache's."""
    expected = _printed(home / "apache", servers.apache, [_java])[0]
    if len(expected) != LINES + LINES_OF_COMMAND:
        raise cells.Failed(f"{len(expected)} lines instead of {LINES} and {LINES_OF_COMMAND}: {expected}")
    compared = [beside.same(expected, lines) for lines in _printed(home / "server", start, [_java, _rust])]
    return ", ".join(compared)


def _altered(home):
    """The negative control."""
    expected = _printed(home, servers.apache, [_java])[0]
    altered = [line.replace("failed", "success") for line in expected]
    return beside.noticed(beside.same, expected, altered)


def _printed(home, start, traced):
    """What the tool prints of the messages of each client, one after the other on one pair of servers."""
    with start(home / "servers", settings=SETTINGS) as server, contextlib.ExitStack() as stack:
        return [_one(home / client.__name__, server, client, stack) for client in traced]


def _one(home, server, traced, stack):
    topic = f"{TOPIC}{traced.__name__}"
    exchange.create_topic(server, topic, 1)
    program = traced(home, server, topic)
    stack.callback(processes.stop, program.process, 1)
    program.finish(2 * SECONDS)
    ids = [line["id"] for line in cells.lines(program.home / "out")]

    def told():
        commands = home / "commands"
        commands.write_text("\n".join(f"queryMsgTraceById -i {one}" for one in ids))
        tool = programs.Program(home, "Admin", [server.namesrv, commands, "."])
        tool.finish()
        texts = "".join((home / str(number)).read_text() for number in range(len(ids)))
        # They come from sets.
        lines = sorted(printed.masked(texts, MASKS))
        return lines if len(lines) >= LINES else None

    try:
        by_tool = processes.wait_until(told, SECONDS, f"the traces of {traced.__name__}")
    except TimeoutError as error:
        raise cells.Failed(f"{error}: {told()}") from error
    # The end of a transaction and the first attempt may be traced in either order.
    return by_tool + [line for one in ids for line in sorted(printed.masked(_by_command(server, one), MASKS))]


def _by_command(server, message):
    """What `mq message trace` prints of a message."""
    command = [servers.mq_binary(), "message", "trace", message, "-n", server.namesrv]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise cells.Failed(f"`mq message trace` ended with {done.returncode}: {done.stderr[-300:]}")
    return done.stdout


def _java(home, server, topic):
    return programs.Program(home, "Traced", [server.namesrv, topic, "out"])


def _rust(home, server, topic):
    command = [clients.rust_program(), "traced", server.namesrv, topic, "out"]
    return programs.Running(home, "traced", command)
