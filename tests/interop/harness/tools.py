"""Installs what the cells need, into one cache directory, by each ecosystem's own client.

Every step is skipped when a stamp of its inputs is there already, so a second run starts at once.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent.parent
REPOSITORY = HERE.parent.parent
CACHE = pathlib.Path(os.environ.get("MQ_INTEROP_CACHE", REPOSITORY / "target" / "interop"))


class MissingTool(Exception):
    """A program that must be installed by hand; `str()` is its name."""


class InstallFailed(Exception):
    """A package client ended with an error; the text carries what it printed."""


def need(program):
    """The path of a program, or `MissingTool`."""
    found = shutil.which(program)
    if found is None:
        raise MissingTool(program)
    return found


def step(name, inputs, command, cwd, env=None):
    """Runs `command` unless the stamp `name` shows that it ran with the same inputs."""
    digest = hashlib.sha256(repr([str(part) for part in command]).encode())
    for path in sorted(inputs):
        digest.update(path.read_bytes())
    stamp = CACHE / "stamps" / name
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return
    need(command[0])
    log = CACHE / "logs" / f"install-{name}.log"
    for directory in (stamp.parent, log.parent):
        directory.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        code = subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            env=dict(os.environ, **(env or {})),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    if code != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
        raise InstallFailed(f"{name}: {command[0]} ended with {code}\n{tail}")
    stamp.write_text(digest.hexdigest())


def maven(name, project, version, goals, inputs):
    """Runs Maven goals with a local repository inside the cache."""
    need("java")
    step(
        name,
        inputs,
        [
            "mvn", "-B", "-q", "-ntp",
            f"-Dmaven.repo.local={CACHE / 'm2'}",
            f"-Drocketmq.version={version}",
            *goals,
        ],
        project,
    )  # fmt: skip


def server_class_path(version):
    """The class path of Apache's name server and broker."""
    project = HERE / "servers"
    target = CACHE / f"servers-{version}.cp"
    maven(
        f"servers-{version}",
        project,
        version,
        ["dependency:build-classpath", f"-Dmdep.outputFile={target}"],
        [project / "pom.xml"],
    )
    return target.read_text().strip()


def java_class_path(version):
    """The class path of our Java programs, built with Apache's client of that release."""
    project = HERE / "java"
    target = CACHE / f"java-{version}"
    maven(
        f"java-{version}",
        project,
        version,
        [
            f"-Dinterop.directory={target}",
            "compile",
            "dependency:build-classpath",
            f"-Dmdep.outputFile={target / 'class.path'}",
        ],
        [project / "pom.xml", *project.glob("src/**/*.java")],
    )
    return f"{target / 'classes'}:{(target / 'class.path').read_text().strip()}"


def go_program():
    """Our Go program, built with modules inside the cache."""
    project = HERE / "go"
    target = CACHE / "go-program"
    step(
        "go",
        [*project.glob("*.go"), project / "go.mod", project / "go.sum"],
        ["go", "build", "-o", target, "."],
        project,
        {"GOMODCACHE": str(CACHE / "go-modules"), "GOFLAGS": "-modcacherw"},
    )
    return target


def python_interpreter():
    """A Python of its own with the packages of python/requirements.txt."""
    requirements = HERE / "python" / "requirements.txt"
    environment = CACHE / "python"
    step("python-environment", [], ["python3", "-m", "venv", environment], HERE)
    interpreter = environment / "bin" / "python"
    step(
        "python",
        [requirements],
        [interpreter, "-m", "pip", "install", "--quiet", "-r", requirements],
        HERE,
    )
    return interpreter


def node_modules():
    """Our Node program beside its installed packages."""
    need("node")
    project = HERE / "node"
    target = CACHE / "node"
    target.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc", "interop.js"):
        shutil.copyfile(project / name, target / name)
    step("node", [project / "package-lock.json"], ["npm", "ci", "--no-audit", "--no-fund"], target)
    return target / "interop.js"
