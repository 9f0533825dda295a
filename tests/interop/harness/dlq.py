"""The command `mq dlq`."""

import json
import subprocess

from . import cells, servers


def run(server, group, name, *words):
    """Runs one of its commands for a group of that server."""
    command = [servers.mq_binary(), "dlq", name, "-g", group, "-n", server.namesrv, "--json", *words]
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)


def told(server, group, name, *words):
    """What such a command prints, which must succeed."""
    done = run(server, group, name, *words)
    if done.returncode != 0:
        raise cells.Failed(f"`mq dlq {name}` ended with {done.returncode}: {done.stderr[-300:]}")
    return json.loads(done.stdout)
