"""Name servers that die: `mq` as three processes, clients that go on without them."""

import contextlib
import pathlib
import time

from . import cells, processes, servers

PAUSE = 4.0
REGISTERED = 60


class Cluster(contextlib.ExitStack):
    """Two name servers and a broker, each a process of its own."""

    def __init__(self, home):
        super().__init__()
        self.home = pathlib.Path(home)
        self.home.mkdir(parents=True)
        self.ports = processes.free_ports(2)
        (self.broker_port,) = processes.free_ports(1, neighbors=(-2, 0, 1))
        self.addresses = [f"127.0.0.1:{port}" for port in self.ports]
        self.namesrv = ";".join(self.addresses)
        self.name_servers = {}

    def start(self):
        """Starts everything and returns the address of the broker."""
        for number in range(len(self.ports)):
            self.start_name_server(number)
        store = self.home / "store"
        self._spawn(
            "broker", "-n", self.namesrv, "--bind", "127.0.0.1", "--port", self.broker_port,
            "--store", store,
        )  # fmt: skip
        self.wait_for_registration()
        return servers.Servers("mq", self.namesrv, f"127.0.0.1:{self.broker_port}", store, [])

    def start_name_server(self, number):
        """Starts one, on the port that it always had."""
        port = self.ports[number]
        process = self._spawn("namesrv", "--bind", "127.0.0.1", "--port", port)
        servers.wait_for_port("127.0.0.1", port, process, self.home / "namesrv.log")
        self.name_servers[number] = process

    def kill_name_server(self, number):
        """Ends one as a crash would."""
        processes.kill(self.name_servers[number])

    def wait_for_registration(self, topic="TBW102"):
        """Until the broker has told every name server of a topic."""
        for address in self.addresses:

            def known(address=address):
                return servers.ask(address, servers.ROUTE_REQUEST, {"topic": topic})[0] == 0

            processes.wait_until(known, REGISTERED, f"the route of {topic} at {address}", 0.2)

    def _spawn(self, command, *arguments):
        with (self.home / f"{command}.log").open("ab") as log:
            process = processes.spawn(
                [servers.mq_binary(), command, *arguments], cwd=self.home, stdout=log, stderr=log
            )
        self.callback(processes.stop, process)
        return process


def check(home, client, plans):
    """One name server dies, then both; nobody notices; they return and a new client finds its way."""
    with Cluster(home / "cluster") as cluster:
        bench = cells.Bench(home, cluster.start(), plans)
        cell = cells.Cell("mq", client, client, "paced")
        with contextlib.ExitStack() as stack:
            run = bench.prepare(cell, stack)
            run.create_topic()
            cluster.wait_for_registration(run.topic)
            run.consume()
            producer = run.start_producer()
            for number in cluster.name_servers:
                time.sleep(PAUSE)
                cluster.kill_name_server(number)
            time.sleep(PAUSE)
            if producer.poll() is not None:
                raise cells.Failed("the producer was done too early to notice anything")
            for number in list(cluster.name_servers):
                cluster.start_name_server(number)
            count = run.judge(run.sent(producer))
            cluster.wait_for_registration(run.topic)
        return count + bench.run(cells.Cell("mq", client, client, "sync"))
