"""Says how what was received differs from what was sent."""

import collections

from .plan import AGAIN

SHOWN = 5


def deliveries(entries, sent, received, same_ids=True, attempts=1, whole_batches=False):
    """Problems, as text, of one consumer group's deliveries; an empty list means none.

    `entries` are those of the plan that the group must get, `sent` the producer's lines by index,
    `received` the deliveries. A message of color `again` must come `attempts` times. A client of
    `whole_batches` asks for all of a batch again when one message fails, and shows those before it
    a second time, those behind it only later.
    """
    problems = []
    by_index = _by_index(received)
    wanted = {entry.index for entry in entries}
    surplus = [index for index in by_index if index not in wanted]
    if surplus:
        problems.append(f"{len(surplus)} messages that nobody asked for, such as {surplus[:SHOWN]}")
    missing = [entry.index for entry in entries if entry.index not in by_index]
    if missing:
        problems.append(f"{len(missing)} of {len(entries)} missing, such as {missing[:SHOWN]}")
    for entry in entries:
        lines = by_index.get(entry.index, [])
        if lines:
            problems += _contents(entry, sent.get(entry.index, {}), lines, same_ids)
            problems += _attempts(entry, lines, attempts, whole_batches)
    return problems


def complete(entries, received, attempts):
    """Whether every message has come as often as it must."""
    by_index = _by_index(received)
    return all(
        entry.index in by_index
        and max(line["attempt"] for line in by_index[entry.index]) >= _last(entry, attempts)
        for entry in entries
    )


def _by_index(received):
    by_index = collections.defaultdict(list)
    for line in received:
        by_index[line["index"]].append(line)
    return by_index


def _last(entry, attempts):
    """The number of the last attempt, counted from 0."""
    return attempts - 1 if entry.color == AGAIN else 0


def _attempts(entry, lines, attempts, whole_batches):
    tried = [line["attempt"] for line in lines]
    last = _last(entry, attempts)
    if whole_batches and attempts > 1:
        fits = tried == sorted(set(tried)) and last <= tried[-1] < attempts
    else:
        fits = tried == list(range(last + 1))
    if not fits:
        yield f"message {entry.index} came in attempts {tried} instead of 0 to {last}"


def _contents(entry, answer, lines, same_ids):
    expected = {field: getattr(entry, field) for field in ("key", "tag", "color", "size", "crc")}
    fields = ("queue", "offset", "id") if same_ids else ("queue", "offset")
    told = {field: answer[field] for field in fields if answer.get(field) not in (None, "")}
    for line in lines:
        places = told if line["attempt"] == 0 else {}
        for field, value in {**expected, **places}.items():
            if line[field] != value:
                yield f"message {entry.index}: {field} {line[field]!r} instead of {value!r}"


def times(sent, received, early=0):
    """Problems of times: what is stored more than `early` ms before the sender wanted it."""
    for line in received:
        due = sent[line["index"]]["due"] - early
        if line["stored"] < due:
            yield f"message {line['index']} is {due - line['stored']} ms early"


def pauses(received, least_ms):
    """Problems of attempts that were stored less than `least_ms` after the one before."""
    for index, lines in _by_index(received).items():
        stored = [line["stored"] for line in sorted(lines, key=lambda line: line["attempt"])]
        for earlier, later in zip(stored, stored[1:]):
            if later - earlier < least_ms:
                yield f"message {index} was asked for again after {later - earlier} ms"


def order(entries, received):
    """Problems of the order: of each shard by index, of each queue by offset."""
    shards = {entry.index: entry.shard for entry in entries}
    latest, queues = {}, collections.defaultdict(set)
    for line in received:
        if line["attempt"] > 0 or line["index"] not in shards:
            continue
        shard, index = shards[line["index"]], int(line["index"])
        queues[shard].add(line["queue"])
        if index <= latest.get(shard, -1):
            yield f"{shard}: message {index} after {latest[shard]}"
        latest[shard] = index
    for shard, used in queues.items():
        if len(used) != 1:
            yield f"{shard} is spread over the queues {sorted(used)}"


def java_hash(entries, received, queues):
    """Problems of the choice of queues, which must follow Java's `String.hashCode`."""
    shards = {entry.index: entry.shard for entry in entries}
    for shard in sorted(set(shards.values())):
        expected = java_queue(shard, queues)
        used = {line["queue"] for line in received if shards.get(line["index"]) == shard}
        if used and used != {expected}:
            yield f"{shard} went to the queues {sorted(used)} instead of {expected}"


def java_queue(key, queues):
    """The queue that Java's clients choose for a hash key."""
    value = 0
    for character in key:
        value = (31 * value + ord(character)) & 0xFFFFFFFF
    signed = value - (1 << 32) if value & 0x80000000 else value
    return abs(signed) % queues
