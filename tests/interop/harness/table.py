"""The lines that a run prints, and its counts."""

import fnmatch
import os
import time

from . import cells, tools


class Table:
    """Prints a line for each result and counts."""

    def __init__(self):
        self.passed = 0
        self.failures = []

    def ok(self, name, note, seconds=0.0):
        self.passed += 1
        self._line(name, "ok", note, seconds)

    def failure(self, name, note, seconds=0.0):
        self.failures.append((name, note))
        self._line(name, "FAILED", note, seconds)

    def skip(self, name, tool):
        """A missing tool is said aloud, and is a failure where nobody reads along."""
        print(f"SKIPPED {name}: {tool} not found", flush=True)
        if os.environ.get("CI") == "true":
            self.failures.append((name, f"{tool} not found"))

    def add(self, passed, failures):
        """Counts what another table has counted."""
        self.passed += passed
        self.failures += failures

    def check(self, name, run):
        """Runs one check, which returns how many messages it compared, or what it found."""
        begin = time.monotonic()
        try:
            found = run()
        except tools.MissingTool as missing:
            self.skip(name, missing)
        except (cells.Failed, tools.InstallFailed, OSError, RuntimeError) as problem:
            self.failure(name, problem, time.monotonic() - begin)
        else:
            note = f"{found} messages compared" if isinstance(found, int) else found
            self.ok(name, note, time.monotonic() - begin)

    def finish(self):
        """Prints what failed once more, where one looks first, and the counts; returns the exit code."""
        for name, note in self.failures:
            print(f"FAILED {name}: {note}")
        print(f"{self.passed} passed, {len(self.failures)} failed")
        return 1 if self.failures or not self.passed else 0

    @staticmethod
    def _line(name, outcome, note, seconds):
        print(f"{name:<52} {outcome:<8} {seconds:6.1f} s  {note}", flush=True)


def fits(name, filters):
    """Whether one of the filters is a part of the name, or a pattern of it."""
    return not filters or any(
        fnmatch.fnmatchcase(name, word) if "*" in word else word in name for word in filters
    )
