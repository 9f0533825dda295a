"""Every request of clients and administrators, asked of Apache's servers and of ours: what is answered.

Each request is asked once as it should be, once without each of its fields, and once for each refusal.
Answer code, remark, fields and body are laid beside one another; times, addresses, ids and what else differs
from run to run are masked. A difference must be listed in `codes_differences.tsv`, with its reason, and be
there in every run, unless the reason begins with `Sometimes:`.
"""

import collections
import contextlib
import functools
import json
import re
import socket
import struct
import threading
import time

from . import beside, cells, exchange, printed, processes, servers
from .known import Known

LISTED = "codes_differences.tsv"

TOPIC = "codes"
OTHER = "codes-other"
GROUP = "codes-group"
MEMBER = "codes-member"
QUEUES = 2
MESSAGES = 3

# A request: the server it goes to, its code, its fields and its body.
Exchange = collections.namedtuple("Exchange", "name to code fields body")

# An answer: its code, its remark, its fields and its body.
Answer = collections.namedtuple("Answer", "code remark fields body")

SEND = {
    "a": "codes-producer", "b": TOPIC, "c": "TBW102", "d": "4", "e": "0", "f": "0", "g": "1", "h": "0",
    "i": "TAGS\x01TagA\x02KEYS\x01key-1\x02UNIQ_KEY\x01CODES0000000000000000000000000001", "j": "0",
    "k": "false", "l": "16", "m": "false",
}  # fmt: skip
SEND_LONG = {
    "producerGroup": "codes-producer", "topic": TOPIC, "defaultTopic": "TBW102", "defaultTopicQueueNums": "4",
    "queueId": "1", "sysFlag": "0", "bornTimestamp": "1", "flag": "0", "properties": "TAGS\x01TagB",
    "reconsumeTimes": "0", "unitMode": "false", "maxReconsumeTimes": "16", "batch": "false",
}  # fmt: skip
PULL = {
    "consumerGroup": GROUP, "topic": TOPIC, "queueId": "0", "queueOffset": "0", "maxMsgNums": "32",
    "sysFlag": "4", "commitOffset": "0", "suspendTimeoutMillis": "0", "subscription": "*", "subVersion": "0",
    "expressionType": "TAG",
}  # fmt: skip
CREATE = {
    "topic": "codes-new", "defaultTopic": "TBW102", "readQueueNums": "2", "writeQueueNums": "2", "perm": "6",
    "topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": "false",
}  # fmt: skip
QUEUE = {"topic": TOPIC, "queueId": "0"}
RESET = {"topic": TOPIC, "group": GROUP, "timestamp": "0", "isForce": "true", "queueId": "-1", "offset": "-1"}


def json_body(value):
    return json.dumps(value).encode()


def subscription(topic, expression, kind="TAG"):
    return {"topic": topic, "subString": expression, "expressionType": kind, "subVersion": 1,
            "tagsSet": [], "codeSet": [], "classFilterMode": False}  # fmt: skip


def heartbeat(client, group=GROUP, topic=TOPIC):
    return json_body({
        "clientID": client,
        "producerDataSet": [{"groupName": "codes-producer"}],
        "consumerDataSet": [{
            "groupName": group, "consumeType": "CONSUME_PASSIVELY", "messageModel": "CLUSTERING",
            "consumeFromWhere": "CONSUME_FROM_FIRST_OFFSET", "unitMode": False,
            "subscriptionDataSet": [subscription(topic, "*")],
        }],
        "heartbeatFingerprint": 0, "withoutSub": False,
    })  # fmt: skip


def locks(client, queues):
    mq_set = [{"topic": TOPIC, "brokerName": beside.BROKER, "queueId": queue} for queue in queues]
    return json_body({"consumerGroup": GROUP, "clientId": client, "mqSet": mq_set, "onlyThisBroker": False})


def group_config(name, **changes):
    return {"groupName": name, "consumeEnable": True, "retryQueueNums": 1, "retryMaxTimes": 16, **changes}


def topic_config(name, queues=2, **changes):
    return {"topicName": name, "readQueueNums": queues, "writeQueueNums": queues, "perm": 6,
            "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "order": False, **changes}  # fmt: skip


def mode(topic, group, name):
    return json_body({"topic": topic, "consumerGroup": group, "mode": name, "popShareQueueNum": 0})


def plan():
    """The requests in their order; what changes something comes behind what is asked of it."""
    yield from sends()
    yield from consumption()
    yield from questions()
    yield from changes()
    yield from name_server()
    yield from unknown()


def each(name, code, fields, body=b"", to="broker", keep=()):
    """The request, and one without each of its fields but those to `keep`."""
    yield Exchange(name, to, code, fields, body)
    for field in fields:
        if field not in keep:
            rest = {key: value for key, value in fields.items() if key != field}
            yield Exchange(f"{name}/without {field}", to, code, rest, body)


def one(name, code, fields=None, body=b"", to="broker"):
    return Exchange(name, to, code, fields or {}, body)


def sends():
    yield from each("send", 310, SEND, b"x", keep="acd")
    yield from each("send long", 10, SEND_LONG, b"x", keep=("producerGroup", "defaultTopic", "defaultTopicQueueNums"))
    # Where only one of the two brokers stores a message, the topic is one that nothing else is asked about.
    for field in "acd":
        lacking = {key: value for key, value in {**SEND, "b": OTHER}.items() if key != field}
        yield one(f"send to another topic/without {field}", 310, lacking, b"x")
    yield one("send nothing", 310, {**SEND, "b": OTHER})
    for name, changed in {
        "no such topic's name": {"b": "no spaces"},
        "a system topic": {"b": "SCHEDULE_TOPIC_XXXX"},
        "a queue beyond the last": {"e": "99"},
        "any queue": {"b": "codes-one", "d": "1", "e": "-1"},
        "a number that is none": {"e": "zero"},
        "a topic that is made by it": {"b": "codes-made"},
        "a topic without a template": {"b": "codes-never", "c": "codes-no-template"},
        "a long topic": {"b": "t" * 128},
    }.items():
        yield one(f"send to {name}", 310, {**SEND, **changed}, b"x")
    yield one("send too much", 310, SEND, b"x" * (4 * 1024 * 1024 + 1))
    # It comes while other things are asked: at one broker before them, at the other behind them.
    yield one("send a delay level", 310, {**SEND, "b": "codes-later", "i": "DELAY\x011\x02"}, b"x")
    yield one("send a half message", 310, {**SEND, "h": "4", "i": "TRAN_MSG\x01true\x02PGROUP\x01codes-producer"}, b"x")
    yield one("recall by no handle", 370, {"topic": TOPIC, "recallHandle": "none"})
    yield one("recall, no such topic", 370, {"topic": "nowhere", "recallHandle": "none"})
    back = {"offset": "0", "group": GROUP, "delayLevel": "0", "originTopic": TOPIC, "unitMode": "false",
            "maxReconsumeTimes": "16"}  # fmt: skip
    yield from each("send back", 36, back)
    yield one("send back, no such offset", 36, {**back, "offset": "99999999"})
    end = {"producerGroup": "codes-producer", "tranStateTableOffset": "99", "commitLogOffset": "99999999",
           "commitOrRollback": "8", "fromTransactionCheck": "false", "msgId": "x", "transactionId": "x"}  # fmt: skip
    yield from each("end a transaction that is not there", 37, end)
    reply = {**SEND, "b": "DefaultCluster_REPLY_TOPIC",
             "i": "REPLY_TO_CLIENT\x01nobody\x02CORRELATION_ID\x011\x02CLUSTER\x01DefaultCluster"}  # fmt: skip
    yield one("reply to nobody", 325, reply, b"x")


def consumption():
    yield one("heartbeat", 34, {}, heartbeat("codes-once"))
    yield one("heartbeat without a client", 34, {}, heartbeat(""))
    yield one("heartbeat that is no JSON", 34, {}, b"{")
    yield from each("pull", 11, PULL)
    yield from each("lite pull", 361, {**PULL, "sysFlag": "20"})
    for name, changed in {
        "no such topic": {"topic": "nowhere"},
        "no such queue": {"queueId": "99"},
        "a negative queue": {"queueId": "-1"},
        "behind the end": {"queueOffset": "999999"},
        "at a negative offset": {"queueOffset": "-5"},
        "by SQL92": {"subscription": "a > 1", "expressionType": "SQL92"},
        "by an unknown language": {"expressionType": "COLOR"},
        "nothing": {"maxMsgNums": "0"},
        "without a subscription": {"sysFlag": "0"},
        "by tags": {"subscription": "TagB"},
        "by a broken expression": {"subscription": "||"},
    }.items():
        yield one(f"pull {name}", 11, {**PULL, **changed})
    yield one("check tags", 46, {}, json_body({"clientId": "c", "group": GROUP, "subscriptionData": subscription(TOPIC, "*")}))
    for language, expression in (("SQL92", "a >"), ("SQL92", "a > 1"), ("COLOR", "blue")):
        asking = {"clientId": "c", "group": GROUP, "subscriptionData": subscription(TOPIC, expression, language)}
        yield one(f"check {expression} in {language}", 46, {}, json_body(asking))
    yield one("check nothing", 46, {}, json_body({"clientId": "c", "group": GROUP}))
    yield from each("members", 38, {"consumerGroup": GROUP})
    yield one("members of nobody", 38, {"consumerGroup": "nobody"})
    yield one("lock", 41, {}, locks(MEMBER, [0, 1]))
    yield one("lock for another", 41, {}, locks("codes-late", [0]))
    yield one("unlock", 42, {}, locks(MEMBER, [0, 1]))
    yield one("lock that is no JSON", 41, {}, b"[")
    commit = {"consumerGroup": GROUP, "topic": TOPIC, "queueId": "0", "commitOffset": "1"}
    yield from each("commit", 15, commit)
    for name, changed in {
        "no such topic": {"topic": "nowhere"},
        "no such queue": {"queueId": "99"},
        "no such group": {"consumerGroup": "nobody"},
    }.items():
        yield one(f"commit, {name}", 15, {**commit, **changed})
    committed = {"consumerGroup": GROUP, "topic": TOPIC, "queueId": "0", "setZeroIfNotFound": "false"}
    yield from each("committed", 14, committed)
    for name, changed in {
        "of nobody": {"consumerGroup": "nobody"},
        "in no topic": {"topic": "nowhere"},
        "in no queue": {"queueId": "99"},
        "as zero": {"queueId": "1", "setZeroIfNotFound": "true"},
    }.items():
        yield one(f"committed {name}", 14, {**committed, **changed})


def questions():
    yield from each("max offset", 30, QUEUE)
    yield from each("min offset", 31, QUEUE)
    yield from each("earliest time", 32, QUEUE)
    yield from each("offset by time", 29, {**QUEUE, "timestamp": "0", "boundaryType": "LOWER"})
    for name, code, more in (("max offset", 30, {}), ("min offset", 31, {}), ("earliest time", 32, {}),
                             ("offset by time", 29, {"timestamp": "0"})):  # fmt: skip
        yield one(f"{name} of no topic", code, {**QUEUE, "topic": "nowhere", **more})
        yield one(f"{name} of no queue", code, {**QUEUE, "queueId": "99", **more})
    query = {"topic": TOPIC, "key": "key-1", "maxNum": "32", "beginTimestamp": "0", "endTimestamp": str(2**62)}
    yield from each("by key", 12, query)
    yield one("by unique key", 12, {**query, "key": "CODES0000000000000000000000000001", "_UNIQUE_KEY_QUERY": "true"})
    yield one("by no key", 12, {**query, "key": "none"})
    yield from each("at offset", 33, {"offset": "0"})
    yield one("at no offset", 33, {"offset": "99999999"})
    yield one("all topics", 21)
    yield from each("a topic", 351, {"topic": TOPIC, "lo": "true"})
    yield one("no topic", 351, {"topic": "nowhere"})
    yield from each("topic figures", 202, {"topic": TOPIC})
    yield one("figures of no topic", 202, {"topic": "nowhere"})
    yield one("all groups", 201)
    yield from each("a group", 352, {"group": GROUP})
    yield from each("members' connections", 203, {"consumerGroup": GROUP})
    yield one("connections of nobody", 203, {"consumerGroup": "nobody"})
    yield from each("producers' connections", 204, {"producerGroup": "codes-producer"})
    yield one("connections of no producer", 204, {"producerGroup": "nobody"})
    yield one("all producers", 328)
    yield from each("progress", 208, {"consumerGroup": GROUP, "topic": TOPIC})
    yield one("progress of nobody", 208, {"consumerGroup": "nobody"})
    yield one("progress in no topic", 208, {"consumerGroup": GROUP, "topic": "nowhere"})
    yield from each("progress of all", 317, {"isOrder": "false"})
    yield one("all offsets", 43)
    yield one("delay offsets", 45)
    yield from each("groups of a topic", 300, {"topic": TOPIC})
    yield one("groups of no topic", 300, {"topic": "nowhere"})
    yield from each("topics of a group", 343, {"group": GROUP})
    yield one("topics of nobody", 343, {"group": "nobody"})
    yield from each("subscription", 345, {"group": GROUP, "topic": TOPIC})
    yield one("subscription of nobody", 345, {"group": "nobody", "topic": TOPIC})
    yield from each("time span", 303, {"topic": TOPIC, "group": GROUP})
    yield one("time span of no topic", 303, {"topic": "nowhere", "group": GROUP})
    yield one("system topics", 305)
    state = {"consumerGroup": GROUP, "clientId": MEMBER, "jstackEnable": "false"}
    yield from each("running info", 307, state)
    yield one("running info of nobody", 307, {**state, "clientId": "nobody"})
    status = {"topic": TOPIC, "group": GROUP, "clientAddr": MEMBER}
    yield from each("consumer status", 223, status)
    directly = {"consumerGroup": GROUP, "clientId": MEMBER, "msgId": "{id}", "topic": TOPIC}
    yield from each("consume directly", 309, directly, keep=("msgId",))
    yield one("consume directly, nobody", 309, {**directly, "clientId": "nobody"})
    yield from each("correction", 308, {"topic": TOPIC, "compareGroup": GROUP, "filterGroups": "nobody"},
                    keep=("filterGroups",))  # fmt: skip
    entries = {"topic": TOPIC, "queueId": "0", "index": "0", "count": "10", "consumerGroup": GROUP}
    yield from each("queue entries", 321, entries)
    yield one("queue entries of nobody", 321, {**entries, "consumerGroup": "nobody"})
    yield one("queue entries, no queue", 321, {**entries, "queueId": "99"})
    yield one("queue entries behind the end", 321, {**entries, "index": "99999"})
    yield from each("counter", 315, {"statsName": "TOPIC_PUT_NUMS", "statsKey": TOPIC})
    yield one("counter of no topic", 315, {"statsName": "TOPIC_PUT_NUMS", "statsKey": "nowhere"})
    yield one("counter that is none", 315, {"statsName": "NO_SUCH_NUMS", "statsKey": TOPIC})
    yield one("replication", 907)
    yield from each("flush offset", 908, {"masterFlushOffset": "0"})
    yield one("cold data", 2003)
    yield from each("read mode", 2004, {"READ_AHEAD_MODE": "0"})
    yield one("read mode, no such", 2004, {"READ_AHEAD_MODE": "4"})
    yield one("read mode, no number", 2004, {"READ_AHEAD_MODE": "x"})
    yield one("request modes", 402)
    yield one("settings", 26)
    yield one("figures", 28)


def changes():
    yield from each("create a topic", 17, CREATE)
    for name, changed in {
        "as it is": {},
        "with more queues": {"readQueueNums": "4", "writeQueueNums": "4"},
        "with an attribute": {"attributes": "+message.type=NORMAL"},
        "with an unknown attribute": {"attributes": "+color=blue"},
        "with an attribute that is none": {"attributes": "color"},
        "with an attribute's wrong value": {"attributes": "+message.type=FAST"},
        "without an attribute that it lacks": {"attributes": "-reserve.time"},
        "of the broker": {"topic": "TBW102"},
        "with a bad name": {"topic": "no spaces"},
        "without a name": {"topic": " "},
        "with a long name": {"topic": "t" * 128},
        "with an unknown filter type": {"topicFilterType": "NO_TAG"},
    }.items():
        yield one(f"create a topic {name}", 17, {**CREATE, **changed})
    yield one("create topics", 18, {}, json_body({"topicConfigList": [topic_config("codes-list-1"), topic_config("codes-list-2")]}))
    yield one("create topics, one is bad", 18, {}, json_body({"topicConfigList": [topic_config("codes-list-3"), topic_config("no spaces")]}))
    yield one("create topics, one is the broker's", 18, {}, json_body({"topicConfigList": [topic_config("TBW102")]}))
    yield one("create a group", 200, {}, json_body(group_config("codes-new-group")))
    yield one("change a group", 200, {}, json_body(group_config("codes-new-group", retryMaxTimes=3)))
    yield one("create a group that is no JSON", 200, {}, b"{")
    yield one("create groups", 225, {}, json_body({"groupConfigList": [group_config("codes-list-g1"), group_config("codes-list-g2")]}))
    forbid = {"group": GROUP, "topic": OTHER, "readable": "false"}
    yield from each("forbid a topic", 353, forbid)
    yield one("allow a topic", 353, {**forbid, "readable": "true"})
    yield one("pull for a group", 401, {}, mode(TOPIC, GROUP, "PULL"))
    yield one("pull for no group", 401, {}, mode(TOPIC, "nobody", "PULL"))
    yield one("pull from no topic", 401, {}, mode("nowhere", GROUP, "PULL"))
    yield one("pull from a retry topic", 401, {}, mode(f"%RETRY%{GROUP}", GROUP, "PULL"))
    yield one("pop for a group", 401, {}, mode(TOPIC, GROUP, "POP"))
    yield from each("clone offsets", 314, {"srcGroup": GROUP, "destGroup": "codes-new-group", "topic": TOPIC,
                                           "offline": "true"})  # fmt: skip
    yield one("clone offsets of no topic", 314, {"srcGroup": GROUP, "destGroup": "codes-new-group",
                                                 "topic": "nowhere", "offline": "true"})  # fmt: skip
    yield from each("reset", 222, RESET)
    for name, changed in {
        "to the end": {"timestamp": "-1"},
        "a queue": {"queueId": "0", "offset": "1"},
        "a queue, behind the end": {"queueId": "0", "offset": "99999"},
        "no topic": {"topic": "nowhere"},
        "no group": {"group": "nobody"},
    }.items():
        yield one(f"reset {name}", 222, {**RESET, **changed})
    yield from each("check a half message again", 323, {"topic": TOPIC, "msgId": "none"})
    yield one("clean queues", 306)
    yield one("clean topics", 316)
    yield one("delete expired segments", 329)
    yield one("set nothing", 25)
    yield one("set the permission", 25, {}, b"brokerPermission=6\n")
    yield one("set what is on the black list", 25, {}, b"brokerConfigPath=/tmp/x\n")
    yield one("set what nobody knows", 25, {}, b"nobodyKnows=1\n")
    leave = {"clientID": "codes-once", "producerGroup": "codes-producer", "consumerGroup": GROUP}
    yield from each("leave", 35, leave)
    yield from each("delete a group", 207, {"groupName": "codes-new-group", "cleanOffset": "true"})
    yield one("delete no group", 207, {"groupName": "nobody", "cleanOffset": "true"})
    yield from each("delete a topic", 215, {"topic": "codes-new"})
    yield one("delete no topic", 215, {"topic": "nowhere"})
    yield one("delete a topic of the broker", 215, {"topic": "TBW102"})
    yield one("delete a topic without a name", 215, {"topic": " "})


def name_server():
    ask = functools.partial(one, to="namesrv")
    ask_each = functools.partial(each, to="namesrv")
    yield from ask_each("route", 105, {"topic": TOPIC, "acceptStandardJsonOnly": "true"})
    yield ask("route of no topic", 105, {"topic": "nowhere"})
    yield ask("cluster", 106)
    yield ask("topics", 206)
    yield from ask_each("topics of a cluster", 224, {"cluster": "DefaultCluster"})
    yield ask("topics of no cluster", 224, {"cluster": "nowhere"})
    yield ask("names", 304)
    yield ask("unit topics", 311)
    yield ask("topics with unit subscriptions", 312)
    yield ask("no unit topics with unit subscriptions", 313)
    value = {"namespace": "codes", "key": "k", "value": "v"}
    yield from ask_each("put a key", 100, value)
    yield ask("put a key again", 100, value)
    yield from ask_each("a key", 101, {"namespace": "codes", "key": "k"})
    yield ask("no key", 101, {"namespace": "codes", "key": "none"})
    yield from ask_each("keys", 219, {"namespace": "codes"})
    yield ask("keys of no namespace", 219, {"namespace": "none"})
    yield from ask_each("delete a key", 102, {"namespace": "codes", "key": "k"})
    yield ask("delete no key", 102, {"namespace": "codes", "key": "none"})
    yield from ask_each("members of a broker", 901, {"clusterName": "DefaultCluster", "brokerName": beside.BROKER})
    yield ask("members of no broker", 901, {"clusterName": "DefaultCluster", "brokerName": "none"})
    alive = {"clusterName": "DefaultCluster", "brokerAddr": "127.0.0.1:1", "brokerName": "none"}
    yield from ask_each("a broker is alive", 904, alive)
    yield from ask_each("no writing", 205, {"brokerName": "none"})
    yield from ask_each("writing", 327, {"brokerName": "none"})
    yield from ask_each("forget a topic", 216, {"topic": "codes-made", "clusterName": "DefaultCluster"})
    yield ask("register a topic", 217, {"topic": "codes-there"}, json_body({"queueDatas": [], "brokerDatas": []}))
    yield ask("set nothing at the name server", 318)
    yield ask("set what is on its black list", 318, {}, b"kvConfigPath=/tmp/x\n")
    yield ask("set the order", 318, {}, b"orderMessageEnable=false\n")
    yield ask("settings of the name server", 319)


def unknown():
    for code in (9999, 13, 22, 200_050):
        yield one(f"code {code}", code)
    yield one("code 9999 of the name server", 9999, to="namesrv")


class Member(contextlib.AbstractContextManager):
    """A consumer that is connected, and answers what the broker passes on to it."""

    ANSWERS = {
        307: b'{"mqTable":{},"properties":{"who":"codes"}}',
        309: b'{"autoCommit":true,"consumeResult":"CR_SUCCESS","order":false,"spentTimeMills":1}',
        221: b'{"consumerTable":{},"messageQueueTable":{}}',
    }

    def __init__(self, address):
        host, port = address.split(":")
        self._socket = socket.create_connection((host, int(port)), 5)
        self._socket.settimeout(None)
        self._thread = threading.Thread(target=self._answer, daemon=True)

    def __enter__(self):
        self._write({"code": 34, "language": "JAVA", "version": 479, "opaque": 7, "flag": 0, "extFields": {}},
                    heartbeat(MEMBER))  # fmt: skip
        self._thread.start()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _write(self, header, body):
        text = json.dumps(header).encode()
        frame = struct.pack(">II", 4 + len(text) + len(body), len(text)) + text + body
        self._socket.sendall(frame)

    def _answer(self):
        stream = self._socket.makefile("rb")
        with contextlib.suppress(OSError, struct.error, ValueError):
            while True:
                length, mixed = struct.unpack(">II", stream.read(8))
                rest = stream.read(length - 4)
                header = json.loads(rest[: mixed & 0xFFFFFF])
                one_way, answer = header["flag"] & 2, header["flag"] & 1
                if answer or one_way:
                    continue
                body = self.ANSWERS.get(header["code"], b"")
                code = 0 if header["code"] in self.ANSWERS else 3
                self._write({"code": code, "language": "JAVA", "version": 479, "opaque": header["opaque"],
                             "flag": 1}, body)  # fmt: skip


def prepared(server, stack):
    """Leaves topics, messages and a member with a server; what later requests need to know of them."""
    for topic in (TOPIC, OTHER):
        exchange.create_topic(server, topic, QUEUES)
    sent = None
    for number in range(MESSAGES):
        answer = servers.ask(server.broker, 310, SEND, b"body-%d" % number)
        if answer[0] != 0:
            raise cells.Failed(f"a message was refused: {answer[:2]}")
        sent = sent or answer[1]["extFields"]["msgId"]
    stack.enter_context(Member(server.broker))

    def known():
        code, _, body = servers.ask(server.broker, cells.GET_CONSUMER_LIST, {"consumerGroup": GROUP})
        return code == 0 and MEMBER.encode() in body

    processes.wait_until(known, 30, "the member")

    def readable():
        answer = servers.ask(server.broker, 30, QUEUE)
        return (answer[1].get("extFields") or {}).get("offset") == str(MESSAGES)

    processes.wait_until(readable, 30, "the messages")
    # The index may be a moment behind.
    time.sleep(1)
    return {"id": sent}


def asked(server, known, wanted):
    """The answer to one request; one that never comes is an answer, too."""
    address = server.broker if wanted.to == "broker" else server.namesrv
    fields = {key: value.format(**known) if value == "{id}" else value for key, value in wanted.fields.items()}
    try:
        code, header, body = servers.ask(address, wanted.code, fields, wanted.body)
    except (OSError, struct.error) as error:
        return Answer("none", type(error).__name__, {}, b"")
    return Answer(code, header.get("remark"), header.get("extFields") or {}, body)


# What Apache's servers say where nobody said anything, and the end of what they say.
MASKS = (
    (re.compile(r"^not set any response code$"), ""),
    (re.compile(r" ?\nSee https://rocketmq.apache.org/\S+ for further details\.$"), ""),
    (re.compile(r"^ +"), ""),
)

# Members whose values say when something happened, or where in the log it lies.
VARIABLE = re.compile(
    r"(?i)(time|tps$|physic|phyoffset|commitlog|^version$|stateversion|counter|transactionid|msgid|delay$|^sum$|^avgpt$)"
)


def masked(text):
    return printed.replaced(text, MASKS)


def parsed(body):
    """The body as a value: JSON as fastjson writes it, Java properties, records, or bytes."""
    if not body:
        return None
    text = body.decode(errors="replace")
    if text[:1] in "{[":
        quoted = re.sub(r"([{,])(-?\d+):", r'\1"\2":', object_keys(text))
        with contextlib.suppress(ValueError):
            return without_figures(json.loads(quoted))
    if re.match(r"^[A-Za-z][\w.]*=", text):
        return {"properties": sorted(line.split("=")[0] for line in text.splitlines() if "=" in line)}
    return {"bytes": "some"}


def without_figures(value):
    """Of the figures of a broker only their names, without the directories in them."""
    table = value.get("table") if isinstance(value, dict) else None
    if isinstance(table, dict) and "bootTimestamp" in table:
        return {"figures": sorted({re.sub(r"_/.*", "_PATH", name) for name in table})}
    return value


def object_keys(text):
    """Objects as keys become texts: `{{"a":1}:2}` is no JSON."""
    out, at = [], 0
    for match in re.finditer(r'(?<=[{,])\{("brokerName":"[^"]*","queueId":\d+,"topic":"[^"]*")\}(?=:)', text):
        out += [text[at : match.start()], json.dumps("{" + match[1] + "}")]
        at = match.end()
    return "".join([*out, text[at:]])


def flat(value, path=""):
    """The leaves of a value by path. Lists come from sets: those of texts are taken for sets, others sorted."""
    if isinstance(value, dict):
        if not value:
            return {path: "{}"}
        leaves = {}
        for name, inner in value.items():
            leaves.update(flat(inner, f"{path}.{masked(str(name))}"))
        return leaves
    if isinstance(value, list):
        leaves = {}
        if all(isinstance(one, (str, int)) for one in value):
            return {f"{path}[{masked(str(one))}]": "there" for one in value} or {path: "[]"}
        for number, inner in enumerate(sorted(value, key=lambda one: sorted(flat(one).items()))):
            leaves.update(flat(inner, f"{path}[{number}]"))
        return leaves or {path: "[]"}
    name = path.rsplit(".", 1)[-1]
    return {path: "…" if VARIABLE.search(name) else masked(str(value))}


def differences(theirs, ours):
    """Aspects in which two answers differ, each with what is there and what is here."""
    found = {}
    if theirs.code != ours.code:
        found["code"] = (theirs.code, ours.code)
    remarks = [masked(answer.remark or "") for answer in (theirs, ours)]
    if remarks[0] != remarks[1]:
        found["remark"] = tuple(remarks)
    parts = {
        "field": (theirs.fields, ours.fields),
        "body": (parsed(theirs.body), parsed(ours.body)),
    }
    for part, values in parts.items():
        there, here = ({} if value is None else flat(value) for value in values)
        for path in sorted(there.keys() | here.keys()):
            if there.get(path) != here.get(path):
                found[f"{part}{path}"] = (there.get(path, "absent"), here.get(path, "absent"))
    return found


def check(listed, name, theirs, ours):
    """The same answers, but for what is listed."""
    known = unknown_ones = 0
    first = None
    for aspect, (there, here) in differences(theirs, ours).items():
        if listed.knows(name, aspect):
            known += 1
        else:
            unknown_ones += 1
            first = first or f"{aspect}: {there!r} there, {here!r} here"
    if first:
        raise cells.Failed(f"{unknown_ones} differences that are not listed; {first}")
    return f"code {theirs.code}, {known} listed differences" if known else f"code {theirs.code}"


def checks(pair):
    """Asks both servers everything, in the same order; a name and a check for each request."""
    # Off by default in Apache's broker.
    pair.start({"enablePropertyFilter": "true"})
    listed = Known.read(LISTED)
    requests = list(plan())
    names = [wanted.name for wanted in requests]
    if len(set(names)) != len(names):
        raise cells.Failed(f"two requests have one name: {[n for n in names if names.count(n) > 1][:3]}")
    with contextlib.ExitStack() as stack:
        both = [(server, prepared(server, stack)) for server in (pair.theirs, pair.ours)]
        seen = [[asked(server, known, wanted) for server, known in both] for wanted in requests]
    for wanted, (theirs, ours) in zip(requests, seen):
        yield wanted.name, functools.partial(check, listed, wanted.name, theirs, ours)
    yield from controls(listed, requests, seen)
    if pair.kind != beside.APACHE:
        yield "every listed difference is there", listed.all_seen


def controls(listed, requests, seen):
    """Altered answers of Apache's broker: the comparison must notice."""
    answers = {wanted.name: theirs for wanted, (theirs, _) in zip(requests, seen)}
    max_offset = answers["max offset"]
    topic = answers["a topic"]
    altered = {
        "max offset": max_offset._replace(code=1),
        "members": answers["members"]._replace(body=answers["members"].body.replace(MEMBER.encode(), b"nobody")),
        "a topic": topic._replace(body=topic.body.replace(b'"perm":6', b'"perm":4')),
        "no key": answers["no key"]._replace(remark="another remark"),
    }
    for name, answer in altered.items():
        control = functools.partial(beside.noticed, check, Known(), name, answers[name], answer)
        yield f"{name}, altered", control
