"""The demo's two services with Java on the other side.

A Java producer feeds `SmsService` of shop-user, and the template of shop-order feeds a Java
listener.
"""

import contextlib
import json
import pathlib
import sqlite3
import subprocess
import urllib.request
import zlib

from . import cells, clients, plan, processes, servers

TOPIC = "order-topic"
ORDERS = 1000
REQUESTS = 1000
FIELDS = "order_id, phone, attempts, duplicates, state"


@contextlib.contextmanager
def service(name, home, namesrv):
    """One service of the demo as a process; gives its address and its database."""
    home.mkdir(parents=True)
    (port,) = processes.free_ports()
    database = home / "demo.db"
    command = [
        servers.cargo_built(name, name),
        f"--rocketmq.name-server={namesrv}",
        f"--server.port={port}",
        f"--{name.replace('-', '.')}.database={database}",
        # Nobody pays here, and no order is to be cancelled meanwhile.
        "--shop.order.pay-timeout=30m",
    ]
    with (home / "log").open("wb") as log:
        process = processes.spawn(
            command, cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        servers.wait_for_port("127.0.0.1", port, process, home / "log")
        yield f"http://127.0.0.1:{port}", database
    finally:
        processes.stop(process)


def orders(directory):
    """A plan of orders as a Java service would send them."""
    directory.mkdir(parents=True)
    entries, offset = [], 0
    with (directory / "bodies").open("wb") as bodies, (directory / "table").open("w") as table:
        for number in range(1, ORDERS + 1):
            body = json.dumps({
                "id": number, "productId": 1, "product": "绿茶", "quantity": 1, "priceCents": 450,
                "phone": f"138{number:08}", "status": "NEW",
            }, ensure_ascii=False).encode()  # fmt: skip
            bodies.write(body)
            entry = plan.Entry(
                str(number), len(body), zlib.crc32(body), f"order-{number}", "TagA", "shard-0", "blue"
            )
            entries.append(entry)
            fields = (number, offset, len(body), entry.key, entry.tag, entry.shard, entry.color)
            table.write("\t".join(map(str, fields)) + "\n")
            offset += len(body)
    return plan.Plan(directory, entries)


def java_to_service(kind, home):
    """A Java producer sends orders; each becomes one text message."""
    home = pathlib.Path(home)
    java = clients.java("5.3.3")
    cell = cells.Cell(kind, java, java, "sync")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(start(kind, home))
        _, database = stack.enter_context(service("shop-user", home / "service", server.namesrv))
        bench = cells.Bench(home, server, {("full", False): orders(home / "orders")})
        run = bench.prepare(cell, stack)
        run.topic = TOPIC
        run.produce()
        wanted = [(number, f"138{number:08}", 1, 0, "SENT") for number in range(1, ORDERS + 1)]
        with contextlib.suppress(TimeoutError):
            processes.wait_until(lambda: rows(database) == wanted, 60, "the last text message")
        found = rows(database)
        if found != wanted:
            raise cells.Failed(f"{len(found)} text messages, not there: {sorted(set(wanted) - set(found))[:3]}")
    return ORDERS


def rows(database):
    """What shop-user noted of each text message."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(f"SELECT {FIELDS} FROM sms ORDER BY order_id").fetchall()


def template_to_java(kind, home):
    """shop-order announces orders; a Java listener gets each body as the caller saw it."""
    home = pathlib.Path(home)
    java = clients.java("5.3.3")
    cell = cells.Cell(kind, java, java, "sync")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(start(kind, home))
        address, _ = stack.enter_context(service("shop-order", home / "service", server.namesrv))
        wanted = []
        for _ in range(REQUESTS):
            with urllib.request.urlopen(f"{address}/order?pid=1", timeout=60) as answer:
                wanted.append(zlib.crc32(answer.read()))
        bench = cells.Bench(home, server, {("full", False): plan.Plan(home, [])})
        run = bench.prepare(cell, stack)
        run.topic = TOPIC
        run.wait_for_route()
        run.consume()

        def received():
            lines = cells.lines(run.members[0][1] / "received")
            return sorted(line["crc"] for line in lines if "crc" in line)

        with contextlib.suppress(TimeoutError):
            processes.wait_until(lambda: len(received()) >= REQUESTS, 60, "the last order")
        found = received()
        if found != sorted(wanted):
            raise cells.Failed(f"{len(found)} of {REQUESTS} orders, {len(set(wanted) - set(found))} altered")
    return REQUESTS


def start(kind, home):
    """The servers of that kind."""
    return {"mq": servers.mq, "apache-5.3.3": servers.apache}[kind](home / "server")
