"""What is to be sent: a table and the bodies, read by the programs of every language."""

import dataclasses
import pathlib
import random
import zlib

TAGS = ("TagA", "TagB", "TagC")
COLORS = ("blue", "绿色", "rouge é")
AGAIN = "again"
LARGE = (4 * 1024 * 1024 - 8 * 1024, 3 * 1024 * 1024, 2 * 1024 * 1024 + 1)
MEDIUM = 64 * 1024
SHARDS = 7


@dataclasses.dataclass
class Entry:
    """One message; `color` travels as a user property, as `index` does."""

    index: str
    size: int
    crc: int
    key: str
    tag: str
    shard: str
    color: str


@dataclasses.dataclass
class Plan:
    """The directory that the programs are given, and what is in it."""

    directory: pathlib.Path
    entries: list


def write(directory, small=1000, medium=20, large=LARGE, text=False, again_every=0):
    """Makes a plan: `small` bodies from one byte to 2 KiB, some of 64 KiB, some of almost 4 MiB.

    `text` leaves zero bytes out of the bodies; with `again_every` each so-manyeth message bears the
    color by which a consumer of mode retry asks for it again.
    """
    chance = random.Random(f"{small} {medium} {len(large)}")
    sizes = [1, 2, 3, 4] + [chance.randint(1, 2048) for _ in range(small - 4)]
    for size in [*large, *([MEDIUM] * medium)]:
        sizes.insert(chance.randint(4, len(sizes)), size)
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True)
    entries, offset = [], 0
    with (directory / "bodies").open("wb") as bodies, (directory / "table").open(
        "w", encoding="utf-8"
    ) as table:
        for number, size in enumerate(sizes):
            body = _body(chance, number, size, text)
            bodies.write(body)
            again = again_every and number % again_every == 0
            entry = Entry(
                str(number),
                size,
                zlib.crc32(body),
                f"key-{number}",
                TAGS[number % len(TAGS)],
                f"shard-{number % SHARDS}",
                AGAIN if again else COLORS[number % len(COLORS)],
            )
            entries.append(entry)
            fields = (entry.index, offset, size, entry.key, entry.tag, entry.shard, entry.color)
            table.write("\t".join(map(str, fields)) + "\n")
            offset += size
    return Plan(directory, entries)


def _body(chance, number, size, text):
    """Every third body can be compressed, the others cannot."""
    if number % 3 == 0:
        return (f"message {number} ".encode() * (size // 9 + 1))[:size]
    body = chance.randbytes(size)
    return body.replace(b"\0", b"\1") if text else body
