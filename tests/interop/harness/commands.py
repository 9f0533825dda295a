"""What each verb of `mq` prints for Apache's servers and for ours, and how it ends, side by side.

The program Live leaves the same groups and messages with both. Times, addresses, ids and rates are masked;
everything else must be the same, line for line, but for what `commands_differences_….tsv` lists with its reason.
"""

import contextlib
import fcntl
import functools
import os
import pty
import re
import shlex
import signal
import subprocess
import termios

from . import beside, cells, live, printed, servers
from .known import Known

LISTED = "commands_differences_{}.tsv"
SECONDS = 30

# What Java's client writes down of a message that was sent, and consumed at the second attempt.
TRACED = "\x02".join(
    record.replace(" ", "\x01") for record in (
        "Pub 1700000000000 DefaultRegion cashier live TRACED TagA order-1 127.0.0.1:10911 3 7 0 null true",
        "SubBefore 1700000000001 DefaultRegion shop CALL-1 TRACED 0 order-1",
        "SubAfter CALL-1 TRACED 5 false order-1 4 1700000000002 shop",
        "SubBefore 1700000000003 DefaultRegion shop CALL-2 TRACED 1 order-1",
        "SubAfter CALL-2 TRACED 6 true order-1 0 1700000000004 shop",
    )
)  # fmt: skip

# In their order, each as it is typed, with the words in braces of `live.Left`.
COMMANDS = (
    "topic list",
    "topic list --json",
    "topic list --all",
    "topic list -c elsewhere",
    "topic show -t live",
    "topic show -t live --json",
    "topic show -t nowhere",
    "topic create -t commands -q 3",
    "topic create -t commands -q 3",
    "topic create -t commands -q 4 --json",
    "topic create -t TBW102 -q 3",
    "topic create -t a/b",
    "group list",
    "group list --json",
    "group list --all",
    *(f"group show -g {group}{more}" for group in live.COMMITTED for more in ("", " -t live --json")),
    "group show -g live-busy -t live",
    "group show -g nobody",
    "group reset -g live-gone -t live --begin --dry-run",
    "group reset -g live-gone -t live --begin",
    "group reset -g live-gone -t live --offset 2 --queue broker-a:1 --json",
    "group reset -g live-gone -t live --time 1h --dry-run --json",
    "group reset -g live-gone -t live --time 2999-01-01",
    "group reset -g live-gone -t live --offset 99",
    "group reset -g live-gone -t nowhere --end",
    "group reset -g live-gone -t live",
    "group show -g live-gone",
    "group reset -g live-gone -t live --end",
    "group clone -g live-gone --to copied --dry-run",
    "group clone -g live-gone --to copied --json",
    "group clone -g nobody --to copied",
    "group show -g copied --json",
    "group delete -g copied",
    "group delete -g copied",
    "group delete -g live-consumed",
    "message send -t commands --queue broker-a:1 --tag TagA -k a-key -p color=blue 'one coffee'",
    "message send -t commands --queue broker-a:1 --tag TagB -p color=red --json 'one tea'",
    "message send -t commands --queue broker-a:9 nothing",
    "message send -t commands --queue 1 nothing",
    "message get -t live {id}",
    "message get -t live {place}",
    "message get -t live {nowhere}",
    "message get -t live {id} --json",
    "message get -t commands --queue broker-a:1 --offset 0 --json",
    "message get -t commands --queue broker-a:1 --offset 9",
    "message get -t commands",
    "message find -t commands -k a-key",
    "message find -t live -k {id} --json",
    "message find -t live -k none",
    "message find -t live --from 1h",
    "message find -t live --from 1h --limit 2 --json",
    "message find -t live --to 2020-01-01",
    "message find -t nowhere -k a-key",
    "message tail -t commands --last 9 --count 2",
    "message tail -t commands --last 9 --count 1 -f TagB --json",
    "message tail -t commands --last 9 --count 1 --sql \"color = 'red' AND TAGS IS NOT NULL\"",
    "message tail -t commands --sql 'color ='",
    "message tail -t nowhere",
    "dlq list -g live-gone",
    "dlq list -g live-gone --json",
    "dlq list -g nobody",
    "dlq show -g live-gone {id}",
    "dlq resend -g live-gone {id}",
    "dlq resend -g live-gone --all --json",
    f"message send -t commands --queue broker-a:1 -k TRACED -k order-1 '{TRACED}'",
    "message send -t commands -p KEYS=a nothing",
    "message trace TRACED --trace-topic commands",
    "message trace order-1 --trace-topic commands --json",
    "message trace TRACED --trace-topic commands --to 2020-01-01",
    "message trace TRACED",
    "topic create -t commands -q 1",
    "topic delete -t commands",
    "topic delete -t commands",
    "completions bash",
)

MASKS = (
    (re.compile(r"\d+\.\d+$|(?<=PerSecond\": )[\d.]+|(?<=minute: )[\d.]+"), "RATE"),
    # When a client learns of its empty retry topic is a matter of its own timer.
    (re.compile(r"^%RETRY%\S+ +\S+ +0 +0 +0 +0 +- .*"), ""),
)

# The negative control alters these answers of Apache's servers.
ALTERED = {
    "topic show -t live": (rf" {live.MESSAGES} ", " 4 "),
    "topic list --json": ('"live"', '"dead"'),
    "group show -g live-busy -t live --json": (r'"lag": \d+', '"lag": 1'),
    "group show -g nobody": ("exit 3", "exit 4"),
    "message trace TRACED --trace-topic commands": ("failed", "success"),
    "message get -t live {id}": ("color=blue", "color=red"),
}


def checks(pair):
    """Leaves the same with both, runs every command on both; a name and a check for each."""
    # Off by default in Apache's broker.
    pair.start({"enablePropertyFilter": "true"})
    known = Known.read(LISTED.format(pair.version))
    with contextlib.ExitStack() as stack:
        both = list(live.left(pair, stack))
        outputs = [[said(one, command) for one in both] for command in COMMANDS]
        ends = [without_terminal(one) for one in both]
    for number, (command, (theirs, ours)) in enumerate(zip(COMMANDS, outputs)):
        name = f"{number} {command}"
        yield name, functools.partial(check, known, command, theirs, ours)
        if command in ALTERED:
            altered = re.sub(*ALTERED[command], theirs, count=1)
            yield f"{name}, altered", functools.partial(beside.noticed, check, Known(), command, theirs, altered)
    yield "tail, its terminal closed", functools.partial(hung_up, ends)
    if pair.kind != beside.APACHE:
        yield "every listed difference is there", known.all_seen


def said(one, command):
    """What the command prints, what it logs, and its exit code."""
    words = shlex.split(command.format(**one.words))
    if words[0] != "completions":
        words += ["-n", one.server.namesrv]
    done = subprocess.run(
        [str(servers.mq_binary()), *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        timeout=SECONDS,
    )  # fmt: skip
    return f"{done.stdout}\n{done.stderr}\nexit {done.returncode}"


def without_terminal(one):
    """How `mq message tail` ends when the terminal that shows it is closed."""
    ours, its = pty.openpty()
    with open(ours, "rb", buffering=0) as screen:
        tail = subprocess.Popen(
            [str(servers.mq_binary()), "message", "tail", "-t", live.TOPIC, "--last", "1", "-n", one.server.namesrv],
            stdin=its, stdout=its, stderr=its, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(its)
        # It is at work.
        screen.read(1)
    try:
        return tail.wait(SECONDS)
    except subprocess.TimeoutExpired:
        tail.kill()
        return None


def hung_up(ends):
    """By the signal, as every program that does nothing about it, or quietly because nobody reads any more."""
    if not set(ends) <= {0, -signal.SIGHUP}:
        raise cells.Failed(f"it ended with {ends}, expected 0 or the signal {signal.SIGHUP}")
    return f"ended with {ends}"


def check(known, command, theirs, ours):
    """The same lines in the same order."""
    both = (printed.masked(text, MASKS) for text in (theirs, ours))
    return printed.compared(known, command, *both)
