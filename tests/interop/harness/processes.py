"""Child processes that end with their parent, however the parent ends."""

import contextlib
import ctypes
import random
import signal
import socket
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1


def die_with_parent():
    """On Linux the kernel kills the child when this process is gone; elsewhere `stop` must."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def spawn(command, **options):
    """Starts a child in a session of its own, so that Ctrl-C reaches this process alone."""
    return subprocess.Popen(
        [str(part) for part in command],
        start_new_session=True,
        preexec_fn=die_with_parent,
        **options,
    )


def stop(process, grace=20.0):
    """Asks with SIGTERM, insists with SIGKILL after `grace` seconds, and returns the exit code."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def kill(process):
    """Ends the child at once, as a crash would."""
    process.kill()
    process.wait()


def children(parent):
    """The processes that `parent` has started."""
    listed = subprocess.run(["ps", "-eo", "ppid=,pid="], capture_output=True, text=True, check=True)
    pairs = (line.split() for line in listed.stdout.splitlines())
    return [int(child) for of, child in pairs if int(of) == parent]


def is_running(process_id):
    """Whether there is such a process, other than one that has ended and waits for its parent."""
    words = ["ps", "-o", "stat=", "-p", str(process_id)]
    state = subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()
    return bool(state) and not state.startswith("Z")


@contextlib.contextmanager
def signals_as_exit():
    """Turns SIGTERM and SIGHUP into SystemExit, so that `finally` and `with` stop the children."""

    def leave(number, _frame):
        raise SystemExit(128 + number)

    before = {name: signal.signal(name, leave) for name in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


# Below those that Linux gives to connections by itself, 32768 to 60999.
PORTS = (10_100, 32_000)


def free_ports(count=1, host="127.0.0.1", neighbors=(0,)):
    """`count` ports free at the moment, each with its `neighbors` (offsets) free too.

    None that the system gives to connections: one of these could take it before a server listens.
    """
    found = []
    while len(found) < count:
        port = random.randint(*PORTS)
        wanted = {port + offset for offset in neighbors}
        taken = {other + offset for other in found for offset in neighbors}
        if wanted & taken or not all(_is_free(host, number) for number in wanted):
            continue
        found.append(port)
    return found


def _is_free(host, port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError):
            return False
    return True


def wait_until(condition, seconds, what, pause=0.1):
    """Asks `condition` until it answers something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds:g} s")
        time.sleep(pause)
