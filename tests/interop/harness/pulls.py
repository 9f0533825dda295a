"""What one pull of Java's `DefaultMQPullConsumer` is given, with each of the broker's limits.

A caller that asks for more than the limits allow counts on the list's length.
"""

import collections
import contextlib
import functools

from . import beside, cells

MESSAGES = 100
AT_ONCE = 50

# The settings, and how many messages of each size they give to the first pull.
Limits = collections.namedtuple("Limits", "settings first")

DEFAULT = {
    "accessMessageInMemoryMaxRatio": 40,
    "maxTransferCountOnMessageInMemory": 32,
    "maxTransferBytesOnMessageInMemory": 256 * 1024,
    "maxTransferCountOnMessageInDisk": 8,
    "maxTransferBytesOnMessageInDisk": 64 * 1024,
}

# With a ratio of nothing no message counts as being in memory.
ON_DISK = {"accessMessageInMemoryMaxRatio": 0}

IN_MEMORY_CHANGED = {
    "maxTransferCountOnMessageInMemory": 20,
    "maxTransferBytesOnMessageInMemory": 90_000,
}

ON_DISK_CHANGED = {
    "maxTransferCountOnMessageInDisk": 5,
    "maxTransferBytesOnMessageInDisk": 50_000,
}

LIMITS = {
    "default limits": Limits({}, {100: 32, 20_000: 12}),
    "changed limits": Limits(IN_MEMORY_CHANGED, {100: 20, 20_000: 4}),
    "default limits on disk": Limits(ON_DISK, {100: 8, 20_000: 3}),
    "changed limits on disk": Limits({**ON_DISK, **ON_DISK_CHANGED}, {100: 5, 20_000: 2}),
}


def checks(pair):
    """A name and a check for each limit and size of message."""
    for number, (name, limits) in enumerate(LIMITS.items()):
        pair.start({**DEFAULT, **limits.settings} if number else {})
        with contextlib.ExitStack() as stack:
            programs = pair.run(
                stack, "Pulls",
                lambda server, prefix=f"pulls-{number}-", sizes=limits.first: [
                    server.namesrv, beside.BROKER, "out", prefix, MESSAGES, AT_ONCE, *sizes,
                ],
            )  # fmt: skip
            for program in programs:
                program.finish()
        seen = [cells.lines(program.home / "out") for program in programs]
        for size, first in limits.first.items():
            theirs, ours = ([line for line in lines if line["bytes"] == size] for lines in seen)
            yield f"{name}/{size} bytes", functools.partial(check, first, theirs, ours)
            if not number:
                for field in ("messages", "next"):
                    altered = [{**theirs[0], field: theirs[0][field] + 1}, *theirs[1:]]
                    control = functools.partial(beside.noticed, check, first, theirs, altered)
                    yield f"{name}/{size} bytes, {field} altered", control


def check(first, theirs, ours):
    """The same lists with the same next offsets, and the limits were those that were set."""
    if theirs[0]["messages"] != first:
        raise cells.Failed(f"Apache's broker gave {theirs[0]['messages']} messages instead of {first}")
    return beside.same(shown(theirs), shown(ours))


def shown(lines):
    """The lines without where a group goes on that is beyond the end.

    Ours begins again where Apache's skips to the end ("A position beyond the end of its queue" in
    ARCHITECTURE.md).
    """
    return [
        {**line, "next": None} if line["offset"] > line["max"] else line for line in lines
    ]  # fmt: skip
