"""The client libraries: how to run our program on each, and what each can do."""

import dataclasses
import os
import pathlib
import typing

from . import servers, tools

PRODUCE = ("sync", "async", "one-way", "batch", "tagged", "keyed", "hash-ordered")
CONSUME = ("two-members", "broadcast", "retry")
LITE_PULL = ("lite-pull", "lite-pull-assigned", "lite-pull-tagged", "lite-pull-members")


@dataclasses.dataclass
class Client:
    """One library. `command(program)` is the command line up to the program's arguments.

    `ids` names the kind of message id it reports: those of one kind can be compared.
    `text` bodies only: no zero bytes. `java_hash`: it chooses queues as Java does.
    `whole_batches`: one failed message sends its whole batch back.
    `leaves_handlers`: a stop does not wait for what is being handled, which then stays uncommitted.
    `commits_pulls`: what is pulled by hand is committed.
    """

    name: str
    command: typing.Callable
    kinds: tuple
    ids: str = "unique"
    text: bool = False
    java_hash: bool = False
    whole_batches: bool = False
    leaves_handlers: bool = False
    commits_pulls: bool = True


def java(version):
    """Apache's Java client of that release.

    `request` of 5.3.3 returns before the reply is there (apache/rocketmq #9319); requests with a callback
    get it.
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

    kinds = (*PRODUCE, *CONSUME, "retry-orderly", "retry-choice", "retry-by-broker", "transaction", "levels")
    kinds = (*kinds, *LITE_PULL, "filtered-sql", "batch-listener", "uncommitted-orderly")
    kinds = (*kinds, "request-callback", "times" if version == "5.3.3" else "request")
    return Client(f"java-{version}", command, kinds, java_hash=True)


def go():
    """Apache's Go client."""
    kinds = (*PRODUCE, *CONSUME, "levels", "transaction", "request", "filtered-sql")
    kinds = (*kinds, "lite-pull", "lite-pull-tagged", "lite-pull-members")
    return Client("go", lambda program, _home: [tools.go_program(), program], kinds, leaves_handlers=True)


def python():
    """The PyPI package rocketmq, which holds Apache's C++ client.

    Its batches are left out: it marks them `batch=1`, which Apache's broker reads as false, so one
    message with all the others inside arrives there. It has no transactions, no requests and no conditions.
    """

    def command(program, _home):
        return [tools.python_interpreter(), tools.HERE / "python" / "interop.py", program]

    kinds = tuple(kind for kind in (*PRODUCE, *CONSUME) if kind != "batch")
    kinds = (*kinds, "retry-by-broker", "levels", "pull", "pull-tagged")
    return Client("python", command, kinds, ids="c++", text=True, whole_batches=True, commits_pulls=False)


def node():
    """The npm package ali-ons.

    It has no one-way and no batch sends, and loses the order of those keys that fall on queue 0
    (its selector takes the queue id 0 for "any"). It can send a half message but neither end it nor answer
    a check.
    """

    def command(program, _home):
        return [tools.need("node"), tools.node_modules(), program]

    kinds = ("sync", "async", "tagged", "keyed", *CONSUME, "retry-by-broker", "levels")
    return Client("node", command, kinds, ids="offset")


def rust():
    """Our own client, by the program `interop` of the package mq-tests."""

    def command(program, _home):
        return [rust_program(), program]

    kinds = (*PRODUCE, *CONSUME, "retry-orderly", "retry-choice", "retry-by-broker", "request", "transaction")
    kinds = (*kinds, "levels", "times", "fitting", "filtered-sql", *LITE_PULL, "pull", "pull-tagged")
    kinds = (*kinds, "batch-split", "batch-listener", "batch-retry", "batch-orderly", "uncommitted-orderly")
    return Client("rust", command, kinds, java_hash=True)


def rust_program():
    """`MQ_INTEROP_PROGRAM`, or the newest that cargo built."""
    given = os.environ.get("MQ_INTEROP_PROGRAM")
    return pathlib.Path(given) if given else servers.cargo_built("interop", "mq-tests")
