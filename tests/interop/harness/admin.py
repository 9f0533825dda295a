"""The views of Apache's `mqadmin` 5.3.3, printed for Apache's broker and for ours, side by side.

The program Live leaves the same groups and messages with both. Times, addresses, ids and rates are
masked; everything else must be the same, line for line.
"""

import contextlib
import functools
import re

from . import beside, cells, exchange, processes, servers

TOPIC = "live"
QUEUES = 2
MESSAGES = 3

GONE = "live-gone"

# What each group has committed of every queue when the tool looks.
COMMITTED = {
    "live-consumed": MESSAGES,
    "live-filtered": MESSAGES,
    GONE: MESSAGES,
    "live-busy": 0,
    "live-pulling": 1,
}
GROUPS = (*COMMITTED, "nobody")

# `{id}` is the id that the producer gave to its first message, `{place}` the one that says where
# the broker put it, `{nowhere}` a place that no log reaches.
COMMANDS = (
    f"topicStatus -t {TOPIC}",
    "topicStatus -t nobody",
    "consumerProgress",
    *(f"consumerProgress -g {group}" for group in GROUPS),
    f"consumerProgress -g live-busy -t {TOPIC}",
    *(f"consumerConnection -g {group}" for group in GROUPS),
    f"producerConnection -g live-producer -t {TOPIC}",
    f"producerConnection -g nobody -t {TOPIC}",
    f"queryMsgById -t {TOPIC} -i {{id}}",
    f"queryMsgById -t {TOPIC} -i {{place}}",
    f"queryMsgById -t {TOPIC} -i {{nowhere}}",
)

ADDRESS = r"\d+\.\d+\.\d+\.\d+"
MASKS = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(,\d{3})?"), "TIME"),
    (re.compile(rf"\b{ADDRESS}@\S+"), "CLIENT"),
    (re.compile(rf"\b{ADDRESS}(:\d+)?\b"), "ADDRESS"),
    (re.compile(r"\b[0-9A-F]{32,56}\b"), "ID"),
    (re.compile(r"(TPS: )\d+\.\d+"), r"\1RATE"),
    (re.compile(r"(CommitLog Offset: +)\d+"), r"\1PLACE"),
    # Where to read on in Apache's manual.
    (re.compile(r"^(For more information, please visit|See) .*rocketmq\.apache\.org.*"), ""),
    (re.compile(r"^\s+(at .*|\.\.\. \d+ more)$"), ""),
    (re.compile(" +"), " "),
    # When a client learns of its empty retry topic is a matter of its own timer.
    (re.compile(r"^%RETRY%\S+ \S+ 0 0 0 0 0 N/A$"), ""),
)

# Apache's broker takes the topic's own name for one of its groups (`ConsumerManager` adds
# `subscriptionData.getTopic()` to the groups of a topic), and the tool then looks for it in vain.
GHOST = re.compile(rf"MessageTrack \[consumerGroup={TOPIC}, .*?\)\]\n", re.DOTALL)

# The negative control alters these answers of Apache's broker.
ALTERED = {
    f"topicStatus -t {TOPIC}": (rf"( 0 +){MESSAGES} ", r"\g<1>4 "),
    "topicStatus -t nobody": ("CODE: 17", "CODE: 1"),
    "consumerProgress": ("PUSH", "PULL"),
    "consumerProgress -g live-pulling": (r" 1( +2)", r" 2\1"),
    "consumerConnection -g live-filtered": (r"TagB \|\| TagC", "TagB"),
    f"producerConnection -g live-producer -t {TOPIC}": ("V5_3_3", "V4_9_8"),
    f"queryMsgById -t {TOPIC} -i {{id}}": ("NOT_CONSUME_YET", "CONSUMED"),
    f"queryMsgById -t {TOPIC} -i {{place}}": ("color=blue", "color=red"),
}


def masked(text):
    """The lines of an output without what differs from run to run, sorted: they come from sets."""
    lines = []
    for line in GHOST.sub("", text).splitlines():
        for pattern, replacement in MASKS:
            line = pattern.sub(replacement, line)
        if line.strip():
            lines.append(line.strip())
    return sorted(lines)


def checks(pair):
    """Leaves the same with both, runs every command on both; a name and a check for each."""
    pair.start({})
    with contextlib.ExitStack() as stack:
        for server in (pair.theirs, pair.ours):
            exchange.create_topic(server, TOPIC, QUEUES)
        living = pair.run(
            stack, "Live",
            lambda server: [server.namesrv, TOPIC, beside.BROKER, QUEUES, MESSAGES, "live"],
        )  # fmt: skip
        commands = []
        for server, program in zip((pair.theirs, pair.ours), living):
            sent = program.wait_for("ready", "live")[0]
            wait_for_groups(server)
            commands.append(program.home / "commands")
            nowhere = sent["place"][:-8] + "FFFFFFFF"
            lines = (command.format(**sent, nowhere=nowhere) for command in COMMANDS)
            commands[-1].write_text("\n".join(lines))
        asked = iter(commands)
        tools = pair.run(stack, "Admin", lambda server: [server.namesrv, next(asked), "."])
        outputs = [printed(program) for program in tools]
        for program in living:
            program.finish()
    for command, theirs, ours in zip(COMMANDS, *outputs):
        yield command, functools.partial(check, theirs, ours)
        if command in ALTERED:
            altered = re.sub(*ALTERED[command], theirs, count=1)
            yield f"{command}, altered", functools.partial(beside.noticed, check, theirs, altered)


def printed(program):
    """What the tool printed for each command."""
    program.finish()
    return [(program.home / str(number)).read_text() for number in range(len(COMMANDS))]


def wait_for_groups(server):
    """Until every group has told the broker how far it is, and those that stay that they are there."""

    def offset(group, queue):
        fields = {"topic": TOPIC, "consumerGroup": group, "queueId": str(queue)}
        answer = servers.ask(server.broker, cells.QUERY_OFFSET, fields)[1]
        return (answer.get("extFields") or {}).get("offset")

    def online(group):
        return servers.ask(server.broker, cells.GET_CONSUMER_LIST, {"consumerGroup": group})[0] == 0

    def told():
        return all(
            offset(group, queue) == str(committed) and online(group) == (group != GONE)
            for group, committed in COMMITTED.items()
            for queue in range(QUEUES)
        )

    try:
        processes.wait_until(told, 30, f"the state of {', '.join(COMMITTED)}")
    except TimeoutError as error:
        raise cells.Failed(str(error)) from error


def check(theirs, ours):
    """The same lines."""
    return beside.same(masked(theirs), masked(ours))
