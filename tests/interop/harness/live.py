"""The same topic, messages and groups, left with Apache's servers and with ours by the program Live."""

import dataclasses

from . import beside, cells, exchange, processes, programs, servers

TOPIC = "live"
QUEUES = 2
MESSAGES = 3
GONE = "live-gone"

# What each group has committed of every queue once all is left.
COMMITTED = {
    "live-consumed": MESSAGES,
    "live-filtered": MESSAGES,
    GONE: MESSAGES,
    "live-busy": 0,
    "live-pulling": 1,
}


@dataclasses.dataclass
class Left:
    """What lies with one of the servers, and the program whose clients are connected to it.

    `words` are what commands may name: `id`, which the producer gave to its first message, `place`, which says
    where the broker put it, `nowhere`, a place that no log reaches, and the broker's address.
    """

    server: servers.Servers
    program: programs.Program
    words: dict


def left(pair, stack):
    """Starts Live on both servers; yields what is left with Apache's and with ours."""
    for server in (pair.theirs, pair.ours):
        exchange.create_topic(server, TOPIC, QUEUES)
    both = pair.run(
        stack, "Live", lambda server: [server.namesrv, TOPIC, beside.BROKER, QUEUES, MESSAGES, "live"]
    )
    for server, program in zip((pair.theirs, pair.ours), both):
        sent = program.wait_for("ready", "live")[0]
        _wait_for_groups(server)
        nowhere = sent["place"][:-8] + "FFFFFFFF"
        words = {"id": sent["id"], "place": sent["place"], "nowhere": nowhere, "broker": server.broker}
        yield Left(server, program, words)


def _wait_for_groups(server):
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
        processes.wait_until(told, 90, f"the state of {', '.join(COMMITTED)}")
    except TimeoutError as error:
        raise cells.Failed(str(error)) from error
