"""What a program prints for Apache's servers and for ours: lines, without what differs from run to run."""

import difflib
import re

from . import cells

ADDRESS = r"\d+\.\d+\.\d+\.\d+"
MASKS = (
    (re.compile(r"\d{4}-\d\d-\d\d[ #]\d\d:\d\d:\d\d([,:]\d{3})?"), "TIME"),
    (re.compile(r"\b1[5-9]\d{11}\b"), "TIME"),
    (re.compile(rf"\b{ADDRESS}@\S+"), "CLIENT"),
    (re.compile(rf"\b{ADDRESS}(:\d+)?\b"), "ADDRESS"),
    (re.compile(r"\b[0-9A-F]{32,56}\b"), "ID"),
    (re.compile(" +"), " "),
)


def masked(text, masks=()):
    """The lines, without those that are empty then; `masks` come behind the usual ones."""
    lines = []
    for line in text.splitlines():
        for pattern, replacement in (*MASKS, *masks):
            line = pattern.sub(replacement, line)
        if line.strip():
            lines.append(line.strip())
    return lines


def compared(known, name, theirs, ours):
    """The same lines, but for the differences that are known: `there LINE` and `here LINE`."""
    unknown, listed = [], 0
    for line in difflib.ndiff(theirs, ours):
        side = {"- ": "there", "+ ": "here"}.get(line[:2])
        if side is None:
            continue
        aspect = f"{side} {line[2:]}"
        if known.knows(name, aspect):
            listed += 1
        else:
            unknown.append(aspect)
    if unknown:
        shown = "; ".join(unknown[:4])
        raise cells.Failed(f"{len(unknown)} differences that are not listed: {shown}")
    return f"{len(theirs)} lines compared" + (f", {listed} listed differences" if listed else "")
