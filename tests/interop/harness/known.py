"""Differences between Apache's servers and ours that are known, each with its reason, in a file of tabs."""

import csv
import fnmatch
import pathlib
import re

from . import cells


class Known:
    """Rows of what was asked, the aspect that differs, and why; patterns with `*`.

    Each must be seen in every run, unless its reason begins with `Sometimes:`.
    """

    def __init__(self, rows=()):
        self._rows = list(rows)
        self._seen = set()

    @classmethod
    def read(cls, name):
        """Those in the file of that name beside this one."""
        path = pathlib.Path(__file__).with_name(name)
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            return cls((row["request"], row["aspect"], row["reason"]) for row in rows)

    def knows(self, name, aspect):
        """Whether the difference is known; which row says so is remembered."""
        for number, (request, pattern, _reason) in enumerate(self._rows):
            if fnmatch.fnmatchcase(name, _escaped(request)) and fnmatch.fnmatchcase(aspect, _escaped(pattern)):
                self._seen.add(number)
                return True
        return False

    def all_seen(self):
        """Fails for a known difference that is none any more."""
        rows = (row for number, row in enumerate(self._rows) if number not in self._seen)
        unseen = [row for row in rows if not row[2].startswith("Sometimes:")]
        if unseen:
            request, aspect, _reason = unseen[0]
            raise cells.Failed(f"{len(unseen)} listed differences are none, such as {aspect} of {request}")
        return f"{len(self._rows)} listed differences"


def _escaped(pattern):
    """Brackets stand for themselves."""
    return re.sub(r"[\[\]]", lambda match: f"[{match[0]}]", pattern)
