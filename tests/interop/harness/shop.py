"""The demo's services as processes of their own, asked over HTTP and looked at in their databases."""

import concurrent.futures
import contextlib
import http.client
import json
import re
import signal
import sqlite3
import subprocess
import time
import urllib.parse

from . import cells, processes, servers

# How long whatever must happen soon may take on a busy machine. Apache's broker tries a retry that it could
# not store once more only after 10 s.
SECONDS = 90

# As the demo has its own broker retry.
DELAYS = "1s 1s 2s 3s 5s 10s 30s"

# A broker of RocketMQ 4 needs a level of 30 s, the time to pay, which stays level 4 as it always is.
APACHE_DELAYS = "1s 5s 1s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h"

# Settings of a broker under which checks of transactions begin soon.
CHECKS = {"transactionTimeOut": 3000, "transactionCheckInterval": 2000, "transactionOpBatchInterval": 100}

# With Apache's levels each retry waits for level 3, instead of one level more than the last.
SHORT_RETRIES = "--rocketmq.consumer.listeners.shop.order-topic.delay-level-when-next-consume=3"

# shop-user without its listener: no text message is ever sent.
NO_LISTENER = "--rocketmq.consumer.listeners.shop.order-topic=false"


def program():
    """The demo that cargo built."""
    return servers.cargo_built("demo-shop", "demo-shop")


class Service:
    """A process of the demo; `urls` are what its line `ready …` told."""

    def __init__(self, words, home, name):
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        self.log = home / f"{name}.log"
        self.out = home / f"{name}.out"
        with self.out.open("wb") as out, self.log.open("ab") as log:
            self.process = processes.spawn(
                [program(), *words], cwd=home, stdin=subprocess.DEVNULL, stdout=out, stderr=log
            )
        try:
            line = processes.wait_until(self._ready, SECONDS, f"the line `ready …` of {name}", 0.02)
        except (TimeoutError, cells.Failed):
            processes.kill(self.process)
            raise
        found = re.findall(r"(\w+)=(?:http://)?([\d.]+:\d+)", line)
        self.urls = {part: f"http://{address}" for part, address in found}

    def _ready(self):
        if self.process.poll() is not None:
            raise cells.Failed(f"it ended with {self.process.returncode}: {self.log.read_text()[-600:]}")
        found = re.search(r"^ready .*\n", self.out.read_text(), re.MULTILINE)
        return found and found[0]

    def stop(self, how=signal.SIGTERM):
        """Asks it to end; returns its exit code."""
        self.process.send_signal(how)
        try:
            return self.process.wait(SECONDS)
        except subprocess.TimeoutExpired as late:
            raise cells.Failed(f"it has not ended {SECONDS} s after {how.name}") from late

    def end(self):
        """Whatever state it is in."""
        processes.stop(self.process)


class Shop:
    """shop-order and one or two shop-user at one cluster, with their databases in `home`."""

    def __init__(self, home, namesrv, broken=False, words=()):
        self.home, self.namesrv, self.broken, self.words = home, namesrv, broken, words
        # What must not happen takes its whole time.
        self.seconds = 5 if broken else SECONDS
        self.order = self.user = None
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        self.start_user()
        self.start_order()
        return self

    def __exit__(self, *failure):
        self.stack.close()

    def start_order(self):
        settings = [
            "--shop.order.pay-timeout=30s", "--shop.order.check-patience=5s", "--shop.faults=true",
            f"--shop.order.database={self.home / 'order.db'}",
        ]  # fmt: skip
        self.order = self._start("order", settings, "order")

    def start_user(self):
        self.user = self.another_user("user")

    def another_user(self, name):
        """One more process of shop-user, at the same database."""
        settings = [f"--shop.user.database={self.home / 'user.db'}", *self.words]
        if self.broken:
            settings = [word for word in settings if word != SHORT_RETRIES] + [NO_LISTENER]
        return self._start("user", settings, name)

    def _start(self, part, settings, name):
        words = ["--part", part, "--name-server", self.namesrv, "--server.port=0", *settings]
        service = Service(words, self.home, name)
        self.stack.callback(service.end)
        return service

    # What a customer does.

    def place(self, query="pid=1"):
        """Orders; (status, answer)."""
        return ask("GET", f"{self.order.urls['order']}/order?{query}")

    def paid(self, query="pid=1"):
        """Orders and pays; the order's id."""
        order = self.placed(query)
        self.pay(order)
        return order

    def placed(self, query="pid=1"):
        """Orders; the order's id."""
        status, order = self.place(query)
        if status != 200:
            raise cells.Failed(f"/order?{query} answers {status}: {order}")
        return order["id"]

    def pay(self, order):
        status, answer = ask("POST", f"{self.order.urls['order']}/order/{order}/pay")
        if status != 200:
            raise cells.Failed(f"paying order {order} answers {status}: {answer}")

    def many_paid(self, count):
        """Orders several at a time; the ids."""
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            return list(pool.map(lambda _: self.paid(), range(count)))

    # What is told.

    def fault(self, **switches):
        self.post("order", "/faults", switches)

    def gateway(self, **mode):
        return self.post("user", "/gateway", mode)

    def taken(self, user=None):
        """How many text messages the fake gateway of a shop-user took."""
        return get((user or self.user).urls["user"] + "/gateway")["sent"]

    def post(self, part, path, body=None):
        service = {"order": self.order, "user": self.user}[part]
        status, answer = ask("POST", service.urls[part] + path, body)
        if status != 200:
            raise cells.Failed(f"POST {path} answers {status}: {answer}")
        return answer

    def dead_letters(self):
        return get(self.user.urls["user"] + "/dead-letters")

    def timeline(self, order):
        """The status changes of an order as the page shows them, oldest first."""
        return get(f"{self.order.urls['order']}/orders/{order}")["timeline"]

    # What is in the databases.

    def sms(self, kind="placed"):
        """The rows of one kind by order: attempts, duplicates, state."""
        rows = look("user.db", self.home, "SELECT order_id, attempts, duplicates, state FROM sms WHERE kind = ?", kind)
        return {order: Row(*rest) for order, *rest in rows}

    def orders(self):
        """The status of each order."""
        return dict(look("order.db", self.home, "SELECT id, status FROM orders"))

    def stock(self, product):
        return look("order.db", self.home, "SELECT stock FROM product WHERE id = ?", product)[0][0]

    # What must happen.

    def wait_for_sms(self, *orders, kind="placed", seconds=None):
        """Until the text message of each order was sent; the rows."""

        def all_sent():
            rows = self.sms(kind)
            return all(order in rows and rows[order].state == "SENT" for order in orders) and rows

        return self.wait(all_sent, f"the text message ({kind}) of {len(orders)} orders from {orders[0]}", seconds)

    def wait(self, condition, what, seconds=None):
        seconds = min(seconds or self.seconds, self.seconds) if self.broken else seconds or self.seconds
        try:
            return processes.wait_until(condition, seconds, what, 0.02)
        except TimeoutError as error:
            raise cells.Failed(str(error)) from error


class Row:
    """A row of `sms`."""

    def __init__(self, attempts, duplicates, state):
        self.attempts, self.duplicates, self.state = attempts, duplicates, state

    def __repr__(self):
        return f"{self.state} after {self.attempts} attempts, {self.duplicates} duplicates"

    def expect(self, attempts, duplicates):
        if (self.attempts, self.duplicates, self.state) != (attempts, duplicates, "SENT"):
            raise cells.Failed(f"{self} instead of SENT after {attempts} attempts, {duplicates} duplicates")


def ask(method, url, body=None):
    """(status, JSON of the answer); `Failed` when the answer is no JSON."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=SECONDS)
    with contextlib.closing(connection):
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        written = None if body is None else json.dumps(body)
        connection.request(method, path, written, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
    try:
        return answer.status, json.loads(text)
    except ValueError as error:
        raise cells.Failed(f"{method} {url} answers {answer.status} without JSON: {text[:200]!r}") from error


def get(url):
    status, answer = ask("GET", url)
    if status != 200:
        raise cells.Failed(f"GET {url} answers {status}: {answer}")
    return answer


def look(name, home, query, *values):
    """Rows of a database that another process has open."""
    for attempt in range(3):
        try:
            with contextlib.closing(sqlite3.connect(f"file:{home / name}?mode=ro", uri=True, timeout=10)) as rows:
                return rows.execute(query, values).fetchall()
        except sqlite3.OperationalError:
            # The last process that had the file open is just removing its log.
            if attempt == 2:
                raise
            time.sleep(0.1)
    return []
