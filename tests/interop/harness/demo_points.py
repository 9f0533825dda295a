"""The points of the demo: each is a name and a check of the services as a person runs them.

A check places its own orders and looks at those alone. Orders are paid, unless the check is about
orders that are not, so that none is cancelled while another check runs.
"""

import concurrent.futures
import contextlib
import functools
import http.client
import pathlib
import signal
import sqlite3
import subprocess
import threading
import time

from . import cells, processes, servers, shop
from .cells import Failed

PAY_SECONDS = 30
EARLY = 1.0
# On a busy machine; the check tells the time.
LATE = 5.0
# Of so many orders one must become a text message within a second: the machine may be busy.
QUICK_TRIES = 5

STARTS = {
    "mq": servers.mq,
    "apache-4.9.7": functools.partial(servers.apache, version="4.9.7"),
    "apache-5.3.3": servers.apache,
}


def at(kind, home, negative=False):
    """Names and checks for one kind of server, to be run in this order and before the next is asked for.

    With `negative` shop-user runs without its listener, and every check must fail.
    """
    home = pathlib.Path(home)
    ours = kind == "mq"
    if ours and not negative:
        yield from whole(home / "whole")
    settings = {"messageDelayLevel": shop.DELAYS if ours else shop.APACHE_DELAYS, **shop.CHECKS}
    words = [] if ours else [shop.SHORT_RETRIES]
    with contextlib.ExitStack() as stack:
        broker = Broker(kind, home / "server", settings, stack)
        stage = stack.enter_context(shop.Shop(home / "shop", broker.namesrv, negative, words))
        yield "1 first text message", functools.partial(first, stage)
        unpaid = Unpaid(stage)
        stack.callback(unpaid.stop)
        yield "2 text message within 1 s", functools.partial(within_a_second, stage)
        yield "4 no stock", functools.partial(no_stock, stage)
        yield "5 the same message twice", functools.partial(twice, stage)
        if not negative:
            yield "15 bad input", functools.partial(bad_input, stage)
        yield "10 two shop-user", functools.partial(two_users, stage)
        yield "8 unpaid", unpaid.check
        yield "6 gateway fails twice", functools.partial(fails_twice, stage)
        yield "7 gateway down", functools.partial(down, stage)
        yield "9 shop-user stopped", functools.partial(user_stopped, stage)
        # After 9: a broker keeps the queues of a killed consumer in order locked for a minute.
        yield "3 killed between the commits", functools.partial(killed_between_commits, stage)
        if ours:
            yield "11 broker killed", functools.partial(broker_killed, stage, broker)
        if not negative:
            yield "every order, and nothing else", functools.partial(audit, stage)
        broker.kill()


class Broker:
    """The servers of that kind; ours can be killed and started again at the same ports."""

    def __init__(self, kind, home, settings, stack):
        self.home, self.settings, self.stack = home, settings, stack
        self.ports = processes.free_ports(2) if kind == "mq" else None
        self.running = self._start(kind)
        self.namesrv = self.running.namesrv

    def _start(self, kind):
        words = {"ports": self.ports, "program": [shop.program(), "mq"]} if kind == "mq" else {}
        return self.stack.enter_context(STARTS[kind](self.home, settings=self.settings, **words))

    def kill(self):
        self.running.kill()

    def start_again(self):
        self.running = self._start("mq")


def first(stage):
    """The first order of a new shop becomes a text message."""
    begin = time.monotonic()
    order = stage.paid()
    stage.wait_for_sms(order)
    return f"{time.monotonic() - begin:.1f} s"


def within_a_second(stage):
    taken = stage.taken()
    for number in range(1, QUICK_TRIES + 1):
        begin = time.monotonic()
        order = stage.placed()
        rows = stage.wait_for_sms(order)
        took = time.monotonic() - begin
        stage.pay(order)
        rows[order].expect(1, 0)
        _taken(stage, taken + number)
        if took <= 1:
            break
    else:
        raise Failed(f"it took {took:.2f} s, and {QUICK_TRIES - 1} times before more than 1 s")
    return f"{took * 1000:.0f} ms, one row, one text message"


def killed_between_commits(stage):
    """The order is in the database, its message is not committed; the check finds the row."""
    before = set(stage.orders())
    stage.fault(crashAfterCommit=True)
    try:
        answer = stage.place()
    except (http.client.HTTPException, OSError):
        answer = None
    if answer:
        raise Failed(f"shop-order was to end in the middle, and answered {answer}")
    try:
        code = stage.order.process.wait(60)
    except subprocess.TimeoutExpired as late:
        raise Failed("shop-order still runs") from late
    new = set(stage.orders()) - before
    if len(new) != 1:
        raise Failed(f"{len(new)} orders were written")
    (order,) = new
    if order in stage.sms():
        raise Failed("the message was committed before the crash")
    begin = time.monotonic()
    stage.start_order()
    stage.wait_for_sms(order)[order].expect(1, 0)
    took = time.monotonic() - begin
    stage.pay(order)
    return f"exit code {code}; text message {took:.1f} s after the restart"


def no_stock(stage):
    """Told to the caller with the reason; the half message is rolled back."""
    stage.paid("pid=4")
    orders = stage.orders()
    status, answer = stage.place("pid=4")
    if status != 409 or "sold out" not in str(answer.get("error")):
        raise Failed(f"{status}: {answer}")
    if stage.orders() != orders or stage.stock(4) != 0:
        raise Failed("something was written")
    stage.wait_for_sms(stage.paid())
    strange = set(stage.sms()) - set(stage.orders())
    if strange:
        raise Failed(f"text messages for orders that were refused: {strange}")
    return f"409 {answer['error']!r}"


def twice(stage):
    taken = stage.taken()
    stage.fault(deliverTwice=True)
    order = stage.paid()
    stage.wait_for_sms(order)
    row = stage.wait(lambda: (row := stage.sms()[order]).duplicates and row, "the duplicate")
    row.expect(1, 1)
    _taken(stage, taken + 1)
    return "one text message, duplicate 1"


def fails_twice(stage):
    stage.gateway(mode="fail", times=2)
    order = stage.paid()
    stage.wait_for_sms(order)[order].expect(3, 0)
    return "the third attempt succeeded"


def down(stage):
    """A dead letter after the first attempt and three more; sent again once."""
    stage.gateway(mode="down")
    order = stage.paid()
    letter = stage.wait(lambda: _letter(stage, order), "the dead letter")
    row = stage.sms()[order]
    if (letter["attempts"], row.attempts, row.state) != (4, 4, "FAILED"):
        raise Failed(f"a dead letter after {letter['attempts']} attempts; {row}")
    if letter["sentAgain"]:
        raise Failed(f"sent again before anybody asked: {letter}")
    stage.gateway(mode="ok")
    taken = stage.taken()
    path = f"/dead-letters/{letter['id']}/resend"
    outcomes = [stage.post("user", path)["outcome"]]
    stage.wait_for_sms(order)[order].expect(5, 0)
    outcomes.append(stage.post("user", path)["outcome"])
    if outcomes != ["sent", "sentBefore"]:
        raise Failed(f"sent again: {outcomes}")
    if not _letter(stage, order)["sentAgain"]:
        raise Failed("it is not shown as sent again")
    if stage.post("user", "/dead-letters/resend"):
        raise Failed("all together are sent again once more")
    _taken(stage, taken + 1)
    return "a dead letter after the first attempt and three more, sent again once"


def _letter(stage, order):
    found = [letter for letter in stage.dead_letters() if (letter["order"] or {}).get("id") == order]
    return found[0] if found else None


class Unpaid:
    """Two orders of coffee, one of them paid; another thread sees when the other is cancelled."""

    def __init__(self, stage):
        self.stage = stage
        self.stock = stage.stock(2)
        self.begin = time.monotonic()
        self.unpaid = stage.placed("pid=2&quantity=3")
        self.answered = time.monotonic()
        self.paid = stage.paid("pid=2&quantity=5")
        if not stage.broken:
            stage.wait_for_sms(self.unpaid, self.paid)
        self.cancelled = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self):
        while not self.ended.wait(0.02):
            with contextlib.suppress(sqlite3.Error):
                if self.stage.orders().get(self.unpaid) == "CANCELLED":
                    self.cancelled = time.monotonic()
                    return

    def stop(self):
        self.ended.set()
        self.thread.join()

    def check(self):
        stage = self.stage
        with contextlib.suppress(TimeoutError):
            left = PAY_SECONDS + 2 * LATE - (time.monotonic() - self.begin)
            processes.wait_until(lambda: self.cancelled, left, "the cancellation", 0.02)
        self.stop()
        if self.cancelled is None:
            raise Failed(f"not cancelled after {time.monotonic() - self.begin:.1f} s")
        earliest = self.begin + PAY_SECONDS - EARLY
        latest = self.answered + PAY_SECONDS + LATE
        took = self.cancelled - self.begin
        if not earliest <= self.cancelled <= latest:
            raise Failed(f"cancelled after {took:.2f} s")
        stage.wait_for_sms(self.unpaid, kind="cancelled")
        if stage.stock(2) != self.stock - 5:
            raise Failed(f"{self.stock} before, {stage.stock(2)} after 5 were sold")
        if stage.orders()[self.paid] == "CANCELLED" or self.paid in stage.sms("cancelled"):
            raise Failed("the paid order was cancelled")
        return f"cancelled after {took:.2f} s, stock back, text message; the paid one not"


def user_stopped(stage):
    """Orders wait for shop-user; what happened to one order stays in order."""
    stage.user.stop()
    begin = time.monotonic()
    orders = stage.many_paid(100)
    placing = time.monotonic() - begin
    if set(orders) & set(stage.sms()):
        raise Failed("text messages while shop-user was stopped")
    begin = time.monotonic()
    stage.start_user()
    rows = stage.wait_for_sms(*orders)
    took = time.monotonic() - begin
    for order in orders:
        rows[order].expect(1, 0)
    _taken(stage, 100)

    def all_told():
        return all(_statuses(stage, order)[-1:] in (["PAID"], ["SHIPPED"]) for order in orders)

    stage.wait(all_told, "the timeline of 100 orders")
    for order in orders:
        statuses = _statuses(stage, order)
        if statuses not in (["NEW", "PAID"], ["NEW", "PAID", "SHIPPED"]):
            raise Failed(f"order {order} was told as {statuses}")
    return f"ordered in {placing:.1f} s, 100 text messages {took:.1f} s after the start, each order's story in order"


def _statuses(stage, order):
    return [change["status"] for change in stage.timeline(order)]


def two_users(stage):
    """Both take a share; when one is killed, the other goes on."""
    other = stage.another_user("user-2")
    taken = stage.taken()

    def both():
        stage.many_paid(8)
        return stage.taken(other) > 0 and stage.taken() > taken

    stage.wait(both, "a share for each of two shop-user")
    shares = (stage.taken() - taken, stage.taken(other))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        placing = [pool.submit(stage.paid) for _ in range(40)]
        concurrent.futures.wait(placing[:10])
        processes.kill(other.process)
        killed = time.monotonic()
        orders = [one.result() for one in placing]
    left = max(1.0, 20 - (time.monotonic() - killed))
    stage.wait_for_sms(*orders, seconds=left)
    return f"shares {shares}; 40 orders, the last text message {time.monotonic() - killed:.1f} s after the kill"


def broker_killed(stage, broker):
    """Orders that were taken are not lost; while the broker is away, none is taken by half."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        placing = [pool.submit(stage.place) for _ in range(40)]
        concurrent.futures.wait(placing[:15])
        broker.kill()
        outcomes = [one.result() for one in placing]
    taken = [answer["id"] for status, answer in outcomes if status == 200]
    refused = [answer for status, answer in outcomes if status == 503 and answer.get("error")]
    if len(taken) + len(refused) != len(outcomes) or len(taken) < 15:
        raise Failed(f"{len(taken)} taken, {len(refused)} refused of {len(outcomes)}: {outcomes[-1]}")
    before = (stage.orders(), stage.stock(1))
    status, answer = stage.place()
    if status != 503 or not answer.get("error"):
        raise Failed(f"without a broker: {status} {answer}")
    if (stage.orders(), stage.stock(1)) != before:
        raise Failed("without a broker half an order was written")
    broker.start_again()
    stage.wait_for_sms(*taken)
    order = stage.wait(lambda: _taken_now(stage), "an order after the restart")
    stage.wait_for_sms(order)
    for one in taken:
        stage.pay(one)
    return f"{len(taken)} orders taken, {len(refused)} refused; all taken ones have their text message"


def _taken_now(stage):
    status, answer = stage.place()
    if status != 200:
        return None
    stage.pay(answer["id"])
    return answer["id"]


BAD_REQUESTS = (
    ("", 400, "pid"),
    ("pid=", 400, "pid"),
    ("pid=abc", 400, "pid"),
    ("pid=-1", 400, "pid"),
    ("pid=1&quantity=-5", 400, "quantity"),
    ("pid=1&quantity=0", 400, "quantity"),
    ("pid=1&quantity=99999999999999999999", 400, "quantity"),
    ("pid=1&uid=x", 400, "uid"),
    ("pid=99", 404, "product 99"),
    ("pid=1&uid=99", 404, "customer 99"),
    ("pid=3&quantity=1000", 409, "sold out"),
)


def bad_input(stage):
    before = (stage.orders(), [stage.stock(product) for product in (1, 2, 3, 4)])
    for query, status, word in BAD_REQUESTS:
        _refused(f"/order?{query}", stage.place(query), status, word)
    order, user = stage.order.urls["order"], stage.user.urls["user"]
    for method, url, body, status, word in (
        ("POST", f"{order}/order/999999999/pay", None, 404, "999999999"),
        ("GET", f"{order}/orders/999999999", None, 404, "999999999"),
        ("POST", f"{order}/faults", {"crashAfterComit": True}, 400, "crashAfterComit"),
        ("POST", f"{user}/gateway", {"mode": "up"}, 400, "`up`"),
        ("POST", f"{user}/gateway", {"mode": "fail", "times": 0}, 400, "times"),
        ("POST", f"{user}/dead-letters/none/resend", None, 404, "none"),
    ):
        _refused(f"{method} {url}", shop.ask(method, url, body), status, word)
    after = (stage.orders(), [stage.stock(product) for product in (1, 2, 3, 4)])
    if after != before:
        raise Failed(f"something was written: {before[1]}, {after[1]}")
    return f"{len(BAD_REQUESTS) + 6} requests refused with a reason, nothing written"


def _refused(what, found, status, word):
    if found[0] != status or word not in str(found[1].get("error")):
        raise Failed(f"{what} answers {found[0]}: {found[1]}, expected {status} and `{word}`")


def audit(stage):
    """Each order that is there has its text messages, and no other order has any."""
    orders = stage.orders()
    cancelled = {order for order, status in orders.items() if status == "CANCELLED"}
    stage.wait(lambda: set(stage.sms()) >= set(orders), "a text message for every order")
    stage.wait_for_sms(*orders)
    found = {kind: set(stage.sms(kind)) for kind in ("placed", "cancelled")}
    if found != {"placed": set(orders), "cancelled": cancelled}:
        strange = found["placed"] ^ set(orders) | found["cancelled"] ^ cancelled
        raise Failed(f"text messages and orders differ: {sorted(strange)[:5]}")

    def points():
        return sum(one["orders"] for one in shop.get(stage.user.urls["user"] + "/points"))

    wanted = len(orders) - len(cancelled)
    stage.wait(lambda: points() == wanted, f"the points of {wanted} orders")
    return f"{len(orders)} orders, {len(cancelled)} cancelled, the points of {wanted}"


def _taken(stage, wanted):
    """The gateway took so many, and no more."""
    if stage.taken() != wanted:
        raise Failed(f"the gateway took {stage.taken()} text messages instead of {wanted}")


def whole(home):
    """The demo as one command: in one process, and in three."""
    for name, options in (("together", []), ("--separate", ["--separate"])):
        yield f"1 one command, {name}", functools.partial(one_command, home / f"1{name}", options)
        yield f"14 Ctrl-C, {name}", functools.partial(interrupted, home / f"14{name}", options)


def one_command(home, options):
    """Ready, and the text message of the order that its own output proposes."""
    begin = time.monotonic()
    with _demo(home, options) as demo:
        ready = time.monotonic() - begin
        _first_sms(demo)
        took = time.monotonic() - begin
    return f"ready after {ready:.1f} s, the first text message after {took:.1f} s"


def interrupted(home, options):
    """Ctrl-C leaves no process, no `abort` and whole databases; the data stay, and no lock."""
    with _demo(home, options) as demo:
        before = _first_sms(demo)
        _interrupt(demo)
    with _demo(home, options) as demo:
        kept = shop.get(demo.urls["user"] + "/sms")
        if kept != before:
            raise Failed(f"{before} before, {kept} after Ctrl-C and another start")
        children = processes.children(demo.process.pid)
        if bool(children) != bool(options):
            raise Failed(f"its processes are {children}")
        _interrupt(demo)
    for url in demo.urls.values():
        with contextlib.suppress(OSError):
            shop.ask("GET", f"{url}/sms")
            raise Failed(f"{url} still answers")
    alive = [child for child in children if processes.is_running(child)]
    left = [str(path.relative_to(home)) for path in home.rglob("abort")]
    left += [path.name for path in home.glob("*.db-wal") if path.stat().st_size]
    if alive or left:
        raise Failed(f"left: processes {alive}, files {left}")
    for name in ("order.db", "user.db"):
        found = shop.look(name, home, "PRAGMA integrity_check")
        if found != [("ok",)]:
            raise Failed(f"{name}: {found}")
    return f"ended in order twice, {len(children)} processes of its own gone, nothing left but the data"


def _first_sms(demo):
    """Runs the proposed order; the text messages once one was sent."""
    proposed = [line for line in demo.out.read_text().splitlines() if "curl" in line]
    if len(proposed) < 3:
        raise Failed(f"it proposes {proposed}")
    shop.get(proposed[0].split("'")[1])

    def sent():
        rows = shop.get(demo.urls["user"] + "/sms")
        return any(row["state"] == "SENT" for row in rows) and rows

    try:
        return processes.wait_until(sent, shop.SECONDS, "the first text message", 0.02)
    except TimeoutError as error:
        raise Failed(str(error)) from error


def _interrupt(demo):
    code = demo.stop(signal.SIGINT)
    if code != 0:
        raise Failed(f"it ended with {code} after Ctrl-C")


@contextlib.contextmanager
def _demo(home, options):
    words = [
        *options, "--server.port=0",
        f"--shop.order.database={home / 'order.db'}", f"--shop.user.database={home / 'user.db'}",
        f"--rocketmq.embedded.store-path={home / 'broker'}", "--rocketmq.embedded.listen=127.0.0.1:0",
        "--rocketmq.embedded.broker-port=0",
    ]  # fmt: skip
    demo = shop.Service(words, home, "demo")
    try:
        yield demo
    finally:
        demo.end()


def cell(kind, home):
    """Every point at one kind of server, as one cell."""
    passed, failed = [], []
    for name, check in at(kind, home):
        try:
            check()
        except (Failed, OSError) as problem:
            failed.append(f"{name}: {problem}")
        else:
            passed.append(name)
    if failed:
        raise Failed("; ".join(failed))
    return f"{len(passed)} points"
