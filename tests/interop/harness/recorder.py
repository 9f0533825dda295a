"""A proxy that keeps what passes it, and the Java program that says everything once.

A server listens on 127.0.0.1 and tells others that it is on 127.0.0.2, where the proxy listens on
the same port.
"""

import collections
import json
import pathlib
import socket
import struct
import subprocess
import threading

from . import processes, servers, tools

HIDDEN, SHOWN = "127.0.0.1", "127.0.0.2"
LARGEST_FRAME = 64 * 1024

Exchange = collections.namedtuple("Exchange", "request answer")
Frame = collections.namedtuple("Frame", "raw encoding code opaque flag fields remark body sender")


def parse(raw, sender):
    """Only what the choice of frames needs: numbers, field names, remark, body."""
    mixed = struct.unpack(">I", raw[4:8])[0]
    size = mixed & 0xFFFFFF
    header, body = raw[8 : 8 + size], raw[8 + size :]
    if mixed >> 24 == 0:
        values = json.loads(header)
        fields = values.get("extFields") or {}
        return Frame(raw, "json", values["code"], values["opaque"], values["flag"], fields,
                     values.get("remark"), body, sender)  # fmt: skip
    code, _, _, opaque, flag, length = struct.unpack(">hBhiii", header[:17])
    at = 17 + length
    remark = header[17:at].decode()
    at += 4
    fields = {}
    while at < len(header):
        size = struct.unpack(">h", header[at : at + 2])[0]
        key = header[at + 2 : at + 2 + size].decode()
        at += 2 + size
        size = struct.unpack(">i", header[at : at + 4])[0]
        fields[key] = header[at + 4 : at + 4 + size].decode()
        at += 4 + size
    return Frame(raw, "binary", code, opaque, flag, fields, remark or None, body, sender)


class Recorder:
    """Keeps the first exchange of each request code and answer code."""

    def __init__(self):
        self.exchanges = {}
        self.closed = False
        self._lock = threading.Lock()

    def one_way(self, request):
        with self._lock:
            self.exchanges.setdefault((request.code, None), Exchange(request, None))

    def two_way(self, request, answer):
        with self._lock:
            key = (request.code, answer.code)
            kept = self.exchanges.get(key)
            if kept is None or (not kept.answer.body and answer.body):
                self.exchanges[key] = Exchange(request, answer)

    def listen(self, shown, hidden):
        """Accepts on the shown address and connects to a port of the hidden one."""
        listener = socket.create_server((SHOWN, shown))

        def accept():
            while not self.closed:
                connection, peer = listener.accept()
                threading.Thread(target=self._relay, args=(connection, hidden), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()

    def _relay(self, connection, port):
        try:
            server = socket.create_connection((HIDDEN, port))
        except OSError:
            connection.close()
            return
        waiting = ({}, {})
        ways = ((connection, server, 0), (server, connection, 1))
        for source, target, way in ways:
            threading.Thread(
                target=self._copy, args=(source, target, way, waiting), daemon=True
            ).start()

    def _copy(self, source, target, way, waiting):
        """Moves whole frames one way; `waiting[way]` holds the requests sent that way."""
        stream = source.makefile("rb")
        try:
            while len(head := stream.read(4)) == 4:
                raw = head + stream.read(struct.unpack(">I", head)[0])
                frame = parse(raw, ("connecting", "accepting")[way])
                if frame.flag & 1:
                    request = waiting[1 - way].pop(frame.opaque, None)
                    if request is not None and max(len(raw), len(request.raw)) <= LARGEST_FRAME:
                        self.two_way(request, frame)
                elif frame.flag & 2:
                    self.one_way(frame)
                else:
                    waiting[way][frame.opaque] = frame
                target.sendall(raw)
        except OSError:
            pass
        finally:
            for end in (source, target):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


def traffic(home, client, switches, arguments):
    """Lets the Java client say everything once, and returns what it could not."""
    properties = [
        *switches,
        ("user.home", home),
        ("rmq.logback.configurationFile", tools.HERE / "servers" / "logback.xml"),
        ("rocketmq.client.logLevel", "ERROR"),
    ]
    class_path = tools.java_class_path(client)
    command = servers.jvm_command(class_path, "mq.interop.Traffic", properties, arguments)
    with (home / "traffic.log").open("wb") as errors:
        process = processes.spawn(command, stdout=subprocess.PIPE, stderr=errors)
        output = process.communicate(timeout=240)[0].decode()
    if process.returncode != 0:
        raise RuntimeError((home / "traffic.log").read_text())
    return output


def shape(frame):
    """What makes a frame worth keeping beside one of another release."""
    if frame is None:
        return None
    try:
        body = keys(json.loads(frame.body))
    except ValueError:
        body = bool(frame.body)
    return sorted(frame.fields), frame.remark is None, body


def keys(value):
    """The member names of a JSON value, however deep."""
    if isinstance(value, dict):
        return sorted((name, str(keys(part))) for name, part in value.items())
    if isinstance(value, list):
        return [keys(part) for part in value[:1]]
    return type(value).__name__
