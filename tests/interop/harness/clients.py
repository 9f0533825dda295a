"""The client libraries: how to run our program on each, and what each can do."""

import dataclasses
import os
import pathlib
import typing

from . import servers, tools

PRODUCE = ("sync", "async", "one-way", "batch", "tagged", "keyed", "hash-ordered")
CONSUME = ("two-members", "broadcast", "retry")


@dataclasses.dataclass
class Client:
    """One library. `command(program)` is the command line up to the program's arguments.

    `ids` names the kind of message id it reports: those of one kind can be compared.
    `text` bodies only: no zero bytes. `java_hash`: it chooses queues as Java does.
    `whole_batches`: one failed message sends its whole batch back.
    """

    name: str
    command: typing.Callable
    kinds: tuple
    ids: str = "unique"
    text: bool = False
    java_hash: bool = False
    whole_batches: bool = False


def java(version):
    """Apache's Java client of that release.

    Requests of 5.3.3 are left out: `request` returns before the reply is there (apache/rocketmq #9319).
    """

    def command(program, home):
        properties = [
            ("user.home", home),
            ("rocketmq.client.localOffsetStoreDir", pathlib.Path(home) / "offsets"),
            ("rocketmq.client.rebalance.waitInterval", 2000),
            ("rmq.logback.configurationFile", tools.HERE / "servers" / "logback.xml"),
            ("logback.configurationFile", tools.HERE / "servers" / "logback.xml"),
        ]
        main = {"produce": "mq.interop.Produce", "consume": "mq.interop.Consume"}[program]
        return servers.jvm_command(tools.java_class_path(version), main, properties)

    kinds = (*PRODUCE, *CONSUME, "retry-orderly", "transaction", "levels")
    kinds = (*kinds, "times" if version == "5.3.3" else "request")
    return Client(f"java-{version}", command, kinds, java_hash=True)


def go():
    """Apache's Go client."""
    return Client("go", lambda program, _home: [tools.go_program(), program], (*PRODUCE, *CONSUME, "levels"))


def python():
    """The PyPI package rocketmq, which holds Apache's C++ client.

    Its batches are left out: it marks them `batch=1`, which Apache's broker reads as false, so one
    message with all the others inside arrives there.
    """

    def command(program, _home):
        return [tools.python_interpreter(), tools.HERE / "python" / "interop.py", program]

    kinds = tuple(kind for kind in (*PRODUCE, *CONSUME) if kind != "batch")
    return Client("python", command, kinds, ids="c++", text=True, whole_batches=True)


def node():
    """The npm package ali-ons.

    It has no one-way and no batch sends, and loses the order of those keys that fall on queue 0
    (its selector takes the queue id 0 for "any").
    """

    def command(program, _home):
        return [tools.need("node"), tools.node_modules(), program]

    kinds = ("sync", "async", "tagged", "keyed", *CONSUME)
    return Client("node", command, kinds, ids="offset")


def rust():
    """Our own client, by the program `interop` of the package mq-tests."""

    def command(program, _home):
        return [rust_program(), program]

    kinds = (*PRODUCE, *CONSUME, "retry-orderly", "request", "transaction", "levels", "times", "fitting")
    return Client("rust", command, kinds, java_hash=True)


def rust_program():
    """`MQ_INTEROP_PROGRAM`, or the newest that cargo built."""
    given = os.environ.get("MQ_INTEROP_PROGRAM")
    return pathlib.Path(given) if given else servers.cargo_built("interop", "mq-tests")
