"""Installs what the cells need, into one cache directory, by each ecosystem's own client.

Every step is skipped when a stamp of its inputs is there already, so a second run starts at once. Of two
processes that need the same one waits for the other.
"""

import contextlib
import fcntl
import filecmp
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
    with _alone(pathlib.Path(command[0]).name):
        if not (stamp.exists() and stamp.read_text() == digest.hexdigest()):
            _run(name, command, cwd, env)
            stamp.parent.mkdir(parents=True, exist_ok=True)
            stamp.write_text(digest.hexdigest())


@contextlib.contextmanager
def _alone(program):
    """One package client runs once at a time: Maven's runs share a repository."""
    path = CACHE / "locks" / program
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(name, command, cwd, env):
    need(command[0])
    log = CACHE / "logs" / f"install-{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
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


def maven(name, project, versions, goals, inputs):
    """Runs Maven goals with a local repository inside the cache; `versions` are properties of the project."""
    need("java")
    step(
        name,
        inputs,
        [
            "mvn", "-B", "-q", "-ntp",
            f"-Dmaven.repo.local={CACHE / 'm2'}",
            *(f"-D{key}={version}" for key, version in versions.items()),
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
        {"rocketmq.version": version},
        ["dependency:build-classpath", f"-Dmdep.outputFile={target}"],
        [project / "pom.xml"],
    )
    return target.read_text().strip()


def java_class_path(version):
    """The class path of our Java programs, built with Apache's client of that release."""
    return _compiled("java", version, {"rocketmq.version": version})


def spring_class_path(version, boot):
    """The class path of our Spring Boot application on those releases of rocketmq-spring and Spring Boot."""
    return _compiled("spring", version, {"rocketmq-spring.version": version, "spring-boot.version": boot})


def _compiled(name, version, versions):
    """The class path of the Java sources in that directory, compiled against those versions."""
    project = HERE / name
    target = CACHE / f"{name}-{version}"
    maven(
        f"{name}-{version}",
        project,
        versions,
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
        if not (target / name).exists() or not filecmp.cmp(project / name, target / name, shallow=False):
            shutil.copyfile(project / name, target / name)
    step("node", [project / "package-lock.json"], ["npm", "ci", "--no-audit", "--no-fund"], target)
    return target / "interop.js"
