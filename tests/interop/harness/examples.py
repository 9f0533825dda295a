"""The examples of mq-core on our servers and on Apache's: each prints what its file says."""

import functools
import subprocess

from . import cells, servers, tools, waiting

FOLDER = tools.REPOSITORY / "mq-core" / "examples"
SECONDS = 90

# Its point is the broker in its process.
WITHOUT_SERVERS = "embedded"

# Off by default in Apache's broker.
SWITCHED_ON = {"recallMessageEnable": "true", "enablePropertyFilter": "true"}


def checks():
    """A name and a check for each server, and a control: what another example prints is noticed."""
    for kind, start in (("mq", servers.mq), ("apache-5.3.3", servers.apache)):
        yield f"{kind}/rust/examples", functools.partial(_all, start)
    yield "mq/rust/examples, one altered", _altered


def names():
    found = sorted(path.stem for path in FOLDER.glob("*.rs"))
    return [name for name in found if name != WITHOUT_SERVERS]


def _all(start, home, _plans):
    with start(home / "server", settings={**waiting.TRANSACTIONS, **SWITCHED_ON}) as server:
        problems = [problem for name in names() for problem in _one(name, name, server, home)]
    if problems:
        raise cells.Failed("; ".join(problems))
    return f"{len(names())} programs print what their files say"


def _altered(home, _plans):
    first, second, *_ = names()
    with servers.mq(home / "server") as server:
        if not list(_one(first, second, server, home)):
            raise cells.Failed("nobody noticed that it printed something else")
    return f"`{first}` does not print what `{second}` prints"


def _one(name, expected, server, home):
    """What is wrong with the example `name`, which is to print what the file of `expected` says."""
    program = servers.cargo_built(f"examples/{name}", "mq-core --examples")
    try:
        ended = subprocess.run(
            [program, server.namesrv], cwd=home, env=cells.environment(home), capture_output=True,
            text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as late:
        yield f"{name} went on after {SECONDS} s, having printed {late.stdout}"
        return
    if ended.returncode != 0:
        yield f"{name} ended with {ended.returncode}: {ended.stderr[-300:]}"
    wanted = (FOLDER / "expected" / f"{expected}.txt").read_text()
    if ended.stdout != wanted:
        yield f"{name} printed {ended.stdout!r}"
