"""Programs that are run beside the matrix."""

import pathlib
import subprocess

from . import cells, clients, processes

SECONDS = 90


class Running:
    """A program that leaves when its standard input ends, with a directory of its own."""

    def __init__(self, home, name, command):
        self.name, self.home = name, pathlib.Path(home)
        self.home.mkdir(parents=True, exist_ok=True)
        self.log = self.home / f"{name}.log"
        with self.log.open("wb") as errors:
            self.process = processes.spawn(
                command, cwd=self.home, env=cells.environment(self.home),
                stdin=subprocess.PIPE, stdout=errors, stderr=errors,
            )  # fmt: skip

    def leave(self):
        """Ends its standard input, which asks it to end in order."""
        self.process.stdin.close()

    def finish(self, seconds=SECONDS):
        """Lets it leave, waits, and raises `Failed` unless it ended well."""
        self.leave()
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = f"no end within {seconds} s"
        finally:
            processes.stop(self.process, 1)
        if code != 0:
            raise cells.Failed(f"{self.name} ended with {code}{cells.tail(self.log)}")

    def wait_for(self, member, out, seconds=SECONDS):
        """Until it has written a line with that member; returns all lines so far."""

        def written():
            if self.process.poll() is not None:
                raise cells.Failed(f"{self.name} ended early{cells.tail(self.log)}")
            lines = cells.lines(self.home / out)
            return lines if any(member in line for line in lines) else None

        try:
            return processes.wait_until(written, seconds, f"`{member}` of {self.name}")
        except TimeoutError as error:
            raise cells.Failed(f"{error}{cells.tail(self.log)}") from error


class Program(Running):
    """One of our programs on the Java client 5.3.3."""

    def __init__(self, home, name, arguments):
        command = clients.java("5.3.3").command("produce", pathlib.Path(home))
        command[-1] = f"mq.interop.{name}"
        super().__init__(home, name, [*command, *arguments])
