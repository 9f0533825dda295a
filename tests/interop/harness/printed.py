"""What a program prints for Apache's servers and for ours: lines, without what differs from run to run."""

import difflib
import re

from . import cells

ADDRESS = r"\d+\.\d+\.\d+\.\d+"
MASKS = (
    (re.compile(r"\d{4}-\d\d-\d\d[ #]\d\d:\d\d:\d\d([,:]\d{3})?"), "TIME"),
    (re.compile(r"\b1[5-9]\d{11}\b"), "TIME"),
    (re.compile(rf"\b{ADDRESS}@\S+"), "CLIENT"),
    (re.compile(rf"/?\b{ADDRESS}(:\d+)?\b"), "ADDRESS"),
    (re.compile(r"\b[0-9A-F]{32,56}\b"), "ID"),
    (re.compile(" +"), " "),
)


def replaced(text, masks=()):
    """The text without what differs from run to run; `masks` come behind the usual ones."""
    for pattern, replacement in (*MASKS, *masks):
        text = pattern.sub(replacement, text)
    return text


def masked(text, masks=()):
    """The lines, without those that are empty then."""
    lines = (replaced(line, masks).strip() for line in text.splitlines())
    return [line for line in lines if line]


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
