"""Sends a plan of messages, or reports what it receives, with the PyPI package rocketmq.

    interop.py produce NAMESRV TOPIC KIND PLAN OUT
    interop.py consume NAMESRV TOPIC GROUP MODE EXPRESSION MEMBER OUT

The package wraps the C++ client and hands bodies over as C strings: no body may hold a zero byte.
"""

import json
import pathlib
import sys
import threading
import time
import zlib

from rocketmq.client import Message, Producer, PullConsumer, PushConsumer, RecvMessage
from rocketmq.exceptions import ffi_check
from rocketmq.ffi import MessageModel, _CConsumeStatus, dll

ATTEMPTS = 3
# What the first delay levels mean.
LEVELS = (1.0, 5.0)
PULL_PAUSE = 0.1
CONSUME_SUCCESS = _CConsumeStatus.CONSUME_SUCCESS.value
RECONSUME_LATER = _CConsumeStatus.RECONSUME_LATER.value


class Report:
    """The file of JSON lines that a program leaves for the runner."""

    def __init__(self, path):
        self._out = open(path, "w", encoding="utf-8")
        self._lock = threading.Lock()

    def line(self, **values):
        with self._lock:
            self._out.write(json.dumps(values, ensure_ascii=False) + "\n")
            self._out.flush()


def entries(plan):
    """(index, body, key, tag, shard, color) of each message."""
    bodies = (pathlib.Path(plan) / "bodies").read_bytes()
    for line in (pathlib.Path(plan) / "table").read_text(encoding="utf-8").splitlines():
        index, offset, size, key, tag, shard, color = line.split("\t")
        yield index, bodies[int(offset) : int(offset) + int(size)], key, tag, shard, color


def message_of(topic, entry):
    index, body, key, tag, _, color = entry
    message = Message(topic)
    message.set_keys(key)
    message.set_tags(tag)
    message.set_property("index", index)
    message.set_property("color", color)
    message.set_body(body)
    return message


def produce(namesrv, topic, kind, plan, out):
    report = Report(out)
    producer = Producer("interop-producer", timeout=10_000, max_message_size=4 * 1024 * 1024)
    producer.set_namesrv_addr(namesrv)
    producer.start()
    ways = {
        "sync": send_sync, "oneway": send_oneway, "hash": send_hash, "async": send_async, "levels": send_level,
    }  # fmt: skip
    for entry in entries(plan):
        ways[kind](producer, message_of(topic, entry), entry, report)
    producer.shutdown()


def send_sync(producer, message, entry, report):
    result = producer.send_sync(message)
    report.line(index=entry[0], id=result.msg_id, offset=result.offset)


def send_oneway(producer, message, entry, report):
    producer.send_oneway(message)
    report.line(index=entry[0])


def send_hash(producer, message, entry, report):
    result = producer.send_orderly(message, int(entry[4].rsplit("-", 1)[1]))
    report.line(index=entry[0], id=result.msg_id, offset=result.offset)


def send_level(producer, message, entry, report):
    level = int(entry[0]) % len(LEVELS)
    message.set_delay_time_level(level + 1)
    due = int((time.time() + LEVELS[level]) * 1000)
    report.line(index=entry[0], id=producer.send_sync(message).msg_id, due=due)


def send_async(producer, message, entry, report):
    """One at a time: the package drops its callbacks without a lock."""
    done = threading.Event()
    failures = []

    def succeeded(result):
        report.line(index=entry[0], id=result.msg_id, offset=result.offset)
        done.set()

    def failed(error):
        failures.append(error)
        done.set()

    producer.send_async(message, succeeded, failed)
    if not done.wait(30) or failures:
        raise RuntimeError(f"message {entry[0]}: {failures or 'no callback'}")


def consume(namesrv, topic, group, mode, expression, member, out):
    report = Report(out)
    if mode.startswith("pull"):
        pull(namesrv, topic, group, expression, report)
    else:
        listen(namesrv, topic, group, mode, expression, member, report)


def pull(namesrv, topic, group, expression, report):
    """Pulls from every queue in turn until standard input ends; the package commits nothing."""
    consumer = PullConsumer(group)
    consumer.set_namesrv_addr(namesrv)
    consumer.start()
    report.line(ready=True)
    ending = threading.Event()

    def pulling():
        while not ending.wait(PULL_PAUSE):
            for message in consumer.pull(topic, expression):
                tell(report, message)

    thread = threading.Thread(target=pulling)
    thread.start()
    sys.stdin.buffer.read()
    ending.set()
    thread.join()
    consumer.shutdown()


def tell(report, message):
    body = message.body
    report.line(
        id=message.id,
        queue=message.queue_id,
        offset=message.queue_offset,
        topic=message.topic,
        key=text(message.keys),
        tag=text(message.tags),
        index=text(message["index"]),
        color=text(message["color"]),
        attempt=message.reconsume_times,
        stored=message.store_timestamp,
        size=len(body),
        crc=zlib.crc32(body),
    )


def listen(namesrv, topic, group, mode, expression, member, report):
    model = MessageModel.BROADCASTING if mode == "broadcast" else MessageModel.CLUSTERING
    consumer = PushConsumer(group, orderly=mode.endswith("orderly"), message_model=model)
    consumer.set_namesrv_addr(namesrv)
    consumer.set_instance_name(member)

    def received(_consumer, handle):
        message = RecvMessage(handle)
        tell(report, message)
        again = text(message["color"]) == "again" and message.reconsume_times < ATTEMPTS - 1
        return RECONSUME_LATER if mode.startswith("retry") and again else CONSUME_SUCCESS

    # PushConsumer.subscribe would raise a listener's exception inside the C callback, whose result
    # is undefined then.
    ffi_check(dll.Subscribe(consumer._handle, topic.encode(), expression.encode()))
    consumer._register_callback(received)
    consumer.start()
    report.line(ready=True)
    sys.stdin.buffer.read()
    consumer.shutdown()


def text(value):
    return value.decode("utf-8") if isinstance(value, bytes) else value


if __name__ == "__main__":
    {"produce": produce, "consume": consume}[sys.argv[1]](*sys.argv[2:])
