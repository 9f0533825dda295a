"""The servers the cells talk to: Apache's name server and broker, and `mq standalone`.

Each lives on 127.0.0.1, keeps its files in a directory given by the caller, and is gone when the
`with` block ends.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import time

from . import processes, tools

BASE_JVM = [
    "-Xms256m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:MaxDirectMemorySize=1g",
    "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
    "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--add-opens=java.base/java.util=ALL-UNNAMED",
]

# It takes Apache's broker ten seconds to stop, and more on a busy machine. Killed while it does, it
# leaves the file that says it died.
GRACE = 60

# Apache's broker refuses what has waited for 200 ms, or longer than a slow page. On a busy machine both
# happen, and say nothing about whoever sent it.
PATIENT = {
    "waitTimeMillsInSendQueue": 60_000,
    "waitTimeMillsInPullQueue": 60_000,
    "waitTimeMillsInTransactionQueue": 60_000,
    "waitTimeMillsInAdminBrokerQueue": 60_000,
    "osPageCacheBusyTimeOutMills": 60_000,
}

ROUTE_REQUEST = 105
TOPIC_NOT_EXIST = 17


@dataclasses.dataclass
class Servers:
    """One name server and one broker; `parts` are their processes, the broker's last."""

    kind: str
    namesrv: str
    broker: str
    store: pathlib.Path
    parts: list

    def stop(self):
        """Ends the broker in order, then its name server, which has nothing to lose."""
        *others, broker = self.parts
        processes.stop(broker, GRACE)
        for part in others:
            processes.kill(part)

    def kill(self):
        """Ends everything as a crash would."""
        for part in reversed(self.parts):
            processes.kill(part)


def jvm_command(class_path, main, properties=(), arguments=()):
    """A JVM with a small heap that opens what RocketMQ needs on Java 17."""
    return [
        tools.need("java"),
        *BASE_JVM,
        *(f"-D{key}={value}" for key, value in properties),
        "-cp",
        class_path,
        main,
        *arguments,
    ]


@contextlib.contextmanager
def apache(directory, version="5.3.3", store=None, settings=None, properties=(), ports=None,
           addresses=("127.0.0.1", "127.0.0.1")):  # fmt: skip
    """Apache's name server and broker from their Maven coordinates.

    `settings` are further lines of broker.conf, `properties` further JVM properties of both.
    `addresses` are the one listened on and the one told to others; `ports` those of the name
    server and of the broker.
    """
    bind, advertised = addresses
    home = pathlib.Path(directory)
    store = pathlib.Path(store or home / "store")
    home.mkdir(parents=True, exist_ok=True)
    class_path = tools.server_class_path(version)
    if ports is None:
        ports = processes.free_ports(1) + processes.free_ports(1, neighbors=(-2, 0, 1))
    namesrv_port, broker_port = ports
    quiet = tools.HERE / "servers" / "logback.xml"
    for name in ("namesrv", "broker"):
        expected_by_4_9 = home / "conf" / f"logback_{name}.xml"
        expected_by_4_9.parent.mkdir(exist_ok=True)
        shutil.copyfile(quiet, expected_by_4_9)
    namesrv_conf = _conf(
        home / "namesrv.conf",
        {
            "listenPort": namesrv_port,
            "bindAddress": bind,
            "kvConfigPath": home / "kvConfig.json",
            "configStorePath": home / "namesrv.properties",
        },
    )
    broker_conf = _conf(
        home / "broker.conf",
        {
            "brokerClusterName": "DefaultCluster",
            "brokerName": "broker-a",
            "brokerId": 0,
            "brokerRole": "ASYNC_MASTER",
            "flushDiskType": "ASYNC_FLUSH",
            "namesrvAddr": f"{advertised}:{namesrv_port}",
            "brokerIP1": advertised,
            "bindAddress": bind,
            "listenPort": broker_port,
            "haListenPort": broker_port + 1,
            "storePathRootDir": store,
            "storePathCommitLog": store / "commitlog",
            "mappedFileSizeCommitLog": 64 * 1024 * 1024,
            "autoCreateTopicEnable": "true",
            "autoCreateSubscriptionGroup": "true",
            "warmMapedFileEnable": "false",
            "diskMaxUsedSpaceRatio": 95,
            **PATIENT,
            **(settings or {}),
        },
    )
    common = [
        ("rocketmq.home.dir", home),
        ("user.home", home),
        ("rmq.logback.configurationFile", quiet),
        *properties,
    ]
    starts = (
        ("namesrv", "org.apache.rocketmq.namesrv.NamesrvStartup", namesrv_conf),
        ("broker", "org.apache.rocketmq.broker.BrokerStartup", broker_conf),
    )
    with contextlib.ExitStack() as stack:
        parts = []
        for name, main, conf in starts:
            log = stack.enter_context((home / f"{name}.log").open("ab"))
            command = jvm_command(class_path, main, common, ["-c", conf])
            part = processes.spawn(command, cwd=home, stdout=log, stderr=log)
            if name == "namesrv":
                stack.callback(processes.kill, part)
            else:
                stack.callback(processes.stop, part, GRACE)
            parts.append(part)
            if name == "namesrv":
                wait_for_port(bind, namesrv_port, part, home / "namesrv.log")
        wait_for_route(f"{bind}:{namesrv_port}", parts[1], home / "broker.log")
        yield Servers(
            f"apache-{version}",
            f"{advertised}:{namesrv_port}",
            f"{advertised}:{broker_port}",
            store,
            parts,
        )


def mq_binary():
    """The `mq` under test: `MQ_BINARY`, or the newest that cargo built."""
    given = os.environ.get("MQ_BINARY")
    return pathlib.Path(given) if given else cargo_built("mq", "mq-server")


def cargo_built(program, package):
    """The newest executable of that name, release or debug."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", tools.REPOSITORY / "target"))
    candidates = (target / profile / program for profile in ("release", "debug"))
    built = [path for path in candidates if path.exists()]
    if not built:
        raise tools.MissingTool(f"{program} (cargo build --release -p {package})")
    return max(built, key=lambda path: path.stat().st_mtime)


@contextlib.contextmanager
def mq(directory, store=None, settings=None, ports=(0, 0), program=None):
    """`mq standalone`, on free ports unless `ports` names those of name server and broker.

    `program` are the first words of the command when it is another program that has the server in it.
    """
    home = pathlib.Path(directory)
    store = pathlib.Path(store or home / "store")
    home.mkdir(parents=True, exist_ok=True)
    command = [
        *(program or [mq_binary()]), "standalone", "--bind", "127.0.0.1",
        "--namesrv-port", ports[0], "--broker-port", ports[1], "--store", store,
        *(f"--set={key}={value}" for key, value in (settings or {}).items()),
    ]  # fmt: skip
    ready = home / "mq.out"
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(ready.open("wb"))
        log = stack.enter_context((home / "mq.log").open("ab"))
        part = processes.spawn(command, cwd=home, stdout=out, stderr=log)
        stack.callback(processes.stop, part)

        def line():
            _still_there(part, home / "mq.log")
            return re.search(r"^ready namesrv=(\S+) broker=(\S+) ", ready.read_text(), re.MULTILINE)

        match = processes.wait_until(line, 60, "the line `ready namesrv=… broker=…` of mq", 0.02)
        yield Servers("mq", match[1], match[2], store, [part])


def _conf(path, entries):
    path.write_text("".join(f"{key}={value}\n" for key, value in entries.items()))
    return path


def _still_there(process, log):
    if process.poll() is not None:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise RuntimeError(f"{log.stem} ended with {process.returncode}\n{tail}")


def wait_for_port(host, port, process, log, seconds=60):
    """Waits until somebody accepts on the port."""

    def accepts():
        _still_there(process, log)
        with contextlib.suppress(OSError), socket.create_connection((host, port), 1):
            return True
        return False

    processes.wait_until(accepts, seconds, f"listening on {host}:{port}")


def wait_for_route(namesrv, process, log, topic="TBW102", seconds=60):
    """Waits until the broker has registered: its first try may come ten seconds late."""

    def known():
        _still_there(process, log)
        return ask(namesrv, ROUTE_REQUEST, {"topic": topic})[0] == 0

    processes.wait_until(known, seconds, f"the route of {topic} on {namesrv}", 0.2)


def ask(address, code, fields, body=b""):
    """One request with a JSON header: (answer code, answer header, answer body)."""
    host, port = address.split(":")
    header = json.dumps(
        {"code": code, "language": "PYTHON", "version": 479, "opaque": 1, "flag": 0,
         "extFields": fields}
    ).encode()  # fmt: skip
    frame = struct.pack(">II", 4 + len(header) + len(body), len(header)) + header + body
    with socket.create_connection((host, int(port)), 5) as connection:
        connection.settimeout(5)
        connection.sendall(frame)
        stream = connection.makefile("rb")
        while True:
            length, mixed = struct.unpack(">II", stream.read(8))
            rest = stream.read(length - 4)
            size = mixed & 0xFFFFFF
            if mixed >> 24 == 1:
                return struct.unpack(">h", rest[:2])[0], {}, rest[size:]
            answer = json.loads(rest[:size])
            # A request of the server may come first: that the members of a group changed.
            if answer["flag"] & 1:
                return answer["code"], answer, rest[size:]
