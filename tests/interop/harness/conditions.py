"""What Apache's own filter says of generated conditions, laid beside what the Rust test expects of ours.

`conditions/generate` makes the conditions and messages, `mq-rules/tests/apache.rs` compares our filter with the
verdicts; here Apache's gives them anew.
"""

import pathlib
import subprocess
import tempfile

from . import cells, servers, tools

VERSION = "5.3.3"
DIRECTORY = tools.REPOSITORY / "mq-rules" / "tests" / "apache"
SECONDS = 120

ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f", "\0": "\\0"}


def checks():
    """The verdicts are Apache's, and one that is altered is noticed."""
    yield f"apache-{VERSION}/filter/conditions", _same
    yield f"apache-{VERSION}/filter/an altered verdict", _altered


def escaped(text):
    """The text on one line."""
    return "".join(ESCAPES.get(c, c) for c in text)


def write(name, lines, escape=True):
    """Writes one of the files."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    text = "".join((escaped(line) if escape else line) + "\n" for line in lines)
    (DIRECTORY / name).write_text(text, encoding="utf-8", newline="\n")


def record():
    """Writes the verdicts of Apache's filter."""
    with tempfile.TemporaryDirectory(prefix="mq-conditions-") as home:
        (DIRECTORY / "verdicts").write_text(judged(pathlib.Path(home)), encoding="utf-8")


def judged(home):
    """The verdicts as Apache's filter gives them now."""
    home.mkdir(parents=True, exist_ok=True)
    out = home / "verdicts"
    class_path = tools.java_class_path(VERSION)
    command = servers.jvm_command(class_path, "mq.interop.Conditions", (), [DIRECTORY, out])
    subprocess.run([str(part) for part in command], check=True, timeout=SECONDS)
    return out.read_text(encoding="utf-8")


def differences(expected, found):
    """The numbers of the lines that differ."""
    expected, found = expected.splitlines(), found.splitlines()
    lines = range(max(len(expected), len(found)))
    return [number for number in lines if expected[number : number + 1] != found[number : number + 1]]


def _same(home, _plans):
    expected = (DIRECTORY / "verdicts").read_text(encoding="utf-8")
    different = differences(expected, judged(home))
    if different:
        raise cells.Failed(f"{len(different)} verdicts are others, that of condition {different[0] + 1} first")
    return len(expected.splitlines())


def _altered(_home, _plans):
    expected = (DIRECTORY / "verdicts").read_text(encoding="utf-8")
    lines = expected.splitlines()
    place = next(number for number, line in enumerate(lines) if "T" in line)
    lines[place] = lines[place].replace("T", "F", 1)
    if differences(expected, "\n".join(lines)) != [place]:
        raise cells.Failed("nobody noticed")
    return "noticed"
