"""mq answers each request of Apache's client and admin tool with the fields that Apache's does.

The program that the golden frames were recorded with talks to `mq standalone` through the
recording proxy; what comes back is laid beside the frames in mq-core/tests/golden.
"""

import functools
import json
import re

from . import cells, processes, recorder, servers, tools

SET = "5.3.3-json"

# What the broker and the name server of mq answer so far, and a client can see.
SPOKEN = {
    10, 11, 12, 14, 17, 28, 29, 30, 31, 33, 34, 35, 36, 38, 41, 42, 100, 101, 105, 106, 200, 201,
    202, 203, 204, 206, 208, 215, 216, 223, 300, 303, 307, 309, 310, 315, 317, 320, 321, 361,
}  # fmt: skip

# Codes and answers that say when something was asked and not how: pulls that find nothing, and
# offsets of a queue that is still empty, where we let the group begin with the first message.
TIMING = {(11, 19), (11, 20), (14, 22)}


def golden():
    """The exchanges of the set: request code, answer code, stem of the files."""
    directory = tools.REPOSITORY / "mq-core" / "tests" / "golden"
    for line in (directory / "index.tsv").read_text().splitlines()[1:]:
        code, _, _, sender, answered, stem = line.split("\t")
        if stem.startswith(f"{SET}/") and sender == "connecting" and answered != "-":
            frame = (directory / f"{stem}.answer.bin").read_bytes()
            if int(code) in SPOKEN and (int(code), int(answered)) not in TIMING:
                yield int(code), int(answered), stem.split("/")[1], frame


def checks(home):
    """Records once, and yields the name and the check of each golden exchange."""
    exchanges = record(home)
    for code, answered, name, raw in golden():
        frame = recorder.parse(raw, "accepting")
        yield name, functools.partial(check, frame, exchanges.get((code, answered)))


def record(home):
    """What the Java client and `mq standalone` say to one another."""
    seen = recorder.Recorder()
    ports = processes.free_ports(1) + processes.free_ports(1, neighbors=(-2, 0, 1))
    for port in ports:
        seen.listen(port, port)
    settings = {"brokerIP1": recorder.SHOWN, "brokerName": "broker-a"}
    namesrv, broker = (f"{recorder.SHOWN}:{port}" for port in ports)
    with servers.mq(home, settings=settings, ports=ports):
        for smart in ("true", "false"):
            switches = [("org.apache.rocketmq.client.sendSmartMsg", smart)]
            recorder.traffic(home, "5.3.3", switches, [namesrv, broker, "DefaultCluster"])
    seen.closed = True
    return seen.exchanges


def check(theirs, exchange):
    """Raises `Failed` when our answer lacks something that theirs has."""
    if exchange is None:
        raise cells.Failed(f"never answered with code {theirs.code}")
    ours = exchange.answer
    lacking = sorted(theirs.fields.keys() - ours.fields.keys())
    if lacking:
        raise cells.Failed(f"the header lacks {lacking}, it has {sorted(ours.fields)}")
    if bool(theirs.body) != bool(ours.body):
        raise cells.Failed(f"{len(theirs.body)} bytes of body there, {len(ours.body)} here")
    lacking = sorted(members(theirs.body) - members(ours.body))
    if lacking:
        raise cells.Failed(f"the body lacks {lacking}")
    return 1


def members(body):
    """The member names of a JSON body, at any depth; nothing of another body."""
    try:
        # fastjson leaves numeric keys without quotes.
        value = json.loads(re.sub(rb"([{,])(-?\d+):", rb'\1"\2":', body))
    except ValueError:
        return set()
    names = set()

    def visit(part):
        if isinstance(part, dict):
            names.update(name for name in part if re.fullmatch("[a-z][A-Za-z0-9]*", name))
            for inner in part.values():
                visit(inner)
        elif isinstance(part, list):
            for inner in part:
                visit(inner)

    visit(value)
    return names
