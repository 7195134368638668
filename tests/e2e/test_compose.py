"""The stack in containers, from compose/Dockerfile and compose/compose.yml.

Needs `docker compose`, or podman with podman-compose and a base image; where
a container lab can be prepared (../shared/tools/container-lab), it is.
"""
import json
import os
import pathlib
import shutil
import subprocess
import types

import pytest

from harness import access_record, china
from stack import Operator, StackError, free_port, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "compose/compose.yml"
LAB = ROOT.parent / "shared/tools/container-lab"
BASE = "docker.io/library/debian:bookworm-slim"
IMAGES = {"sampan": "bridge", "sampan-broker": "broker",
          "sampan-demo": "demo"}
PASSAGES = 5


def succeeds(*command):
    try:
        return subprocess.run(command, capture_output=True, check=False,
                              stdin=subprocess.DEVNULL,
                              timeout=600).returncode == 0
    except OSError:
        return False


def lab_environment():
    """What the lab exports, after it has prepared this machine."""
    words = subprocess.run(
        ["bash", "-c", f". {LAB} >&2 && echo $CONTAINERS_CONF"],
        capture_output=True, text=True, check=False, timeout=900,
        stdin=subprocess.DEVNULL).stdout.strip()
    return {"CONTAINERS_CONF": words} if words else {}


class Engine:
    """docker or podman, and the compose that goes with it."""

    def __init__(self, program, compose, build_options=(), environment=None):
        self.program, self.compose = program, compose
        self.build_options = build_options
        self.environment = {**os.environ, **(environment or {})}

    def run(self, *words, code=0, timeout=900):
        done = subprocess.run([*map(str, words)], env=self.environment,
                              capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, timeout=timeout)
        assert code is None or done.returncode == code, \
            f"{words}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done

    def __call__(self, *words, **options):
        return self.run(self.program, *words, **options)


def find_engine():
    if succeeds("docker", "compose", "version") and succeeds("docker", "info"):
        return Engine("docker", ["docker", "compose"])
    podman = ("podman", ["podman-compose"], ("--network=host",))
    if os.geteuid() == 0 and LAB.exists():
        return Engine(*podman, lab_environment())
    # An image alone does not say that this machine can run containers.
    if shutil.which("podman-compose") \
            and succeeds("podman", "image", "exists", BASE) \
            and succeeds("podman", "run", "--rm", "--network=none", BASE,
                         "true"):
        return Engine(*podman)
    return None


@pytest.fixture(scope="module")
def engine():
    found = find_engine()
    if found is None:
        pytest.skip("neither docker compose nor a podman-compose that can "
                    "run the base image is here")
    for image, target in IMAGES.items():
        found("build", *found.build_options, "-t", image, "--target", target,
              "-f", ROOT / "compose/Dockerfile", ROOT)
    return found


class Composed:
    """The stack, up on a free port with the demonstration's settings."""

    site = "demo"

    def __init__(self, engine, folder):
        self.engine, self.folder = engine, folder
        self.project = f"sampan-test-{os.getpid()}"
        self.broker_port = free_port()
        engine.environment.update(SITE_FOLDER=str(folder),
                                  BROKER_PORT=str(self.broker_port),
                                  SAMPAN_SITE_FOLDER=str(folder))
        engine.run("/usr/bin/python3", ROOT / "compose/demo/make_site.py",
                   folder)
        engine.run(ROOT / "compose/accounts", "add", "source", "erp", "yunnan")

    def compose(self, *words, **options):
        return self.engine.run(*self.engine.compose, "-p", self.project, "-f",
                               COMPOSE, *words, **options)

    def up(self):
        # podman-compose 1.0 knows no profiles: name what is to run.
        self.compose("up", "-d", "--no-build", "broker", "bridge", "yunnan",
                     "henan", "liaoning")

    def down(self):
        self.compose("down", "-v", code=None)

    def container(self, service):
        for name in (f"{self.project}_{service}_1",
                     f"{self.project}-{service}-1"):
            if self.engine("inspect", name, code=None).returncode == 0:
                return name
        raise AssertionError(f"no container of {service}")

    def inside(self, service, *words, **options):
        return self.engine("exec", self.container(service), *words, **options)

    def password(self, name):
        return (self.folder / "passwords" / name).read_text().strip()

    def health(self):
        return self.inside("bridge", "sampan-bridge", "--health", "-c",
                           "/etc/sampan/bridge.yaml", code=None)

    def wait_healthy(self):
        try:
            wait_until(lambda: self.health().returncode == 0, 120, "health",
                       0.5)
        except StackError:
            print(self.engine("ps", "-a", code=None).stdout, self.health(),
                  self.engine("logs", self.container("bridge"), code=None))
            raise

    def accepted(self):
        """What the stand-in of Yunnan has in its books, by interface."""
        text = self.inside(
            "yunnan", "/usr/bin/python3", "-c",
            "import urllib.request as u; print(u.urlopen("
            "'http://127.0.0.1:8081/_control/stats').read().decode())").stdout
        return {name: account["accepted"] for name, account
                in json.loads(text)["interfaces"].items()}


@pytest.fixture
def composed(engine, tmp_path):
    stack = Composed(engine, tmp_path / "site")
    try:
        stack.up()
        stack.wait_healthy()
        yield stack
    finally:
        stack.down()


def publish_records(stack, count):
    """Ready records of Yunnan from the account erp, acknowledged."""
    client = Operator(stack, "erp")
    try:
        for number in range(count):
            record = {"event_id": f"c{number}", "time": china(),
                      "record": access_record(number)}
            info = client.client.publish(
                f"{client.top}/up/yunnan/vehicleAccess",
                json.dumps(record, ensure_ascii=False), 1)
            info.wait_for_publish(20)
            assert info.is_published()
    finally:
        client.close()


def delivered(operator):
    return sum(row["delivered"] for row in operator.ask("stats")["deliveries"])


def test_the_stack_delivers_is_hardened_and_keeps_what_it_has(composed):
    publish_records(composed, PASSAGES)
    operator = Operator(composed, "demo")
    try:
        wait_until(lambda: delivered(operator) == PASSAGES, 60, "deliveries")
        assert composed.accepted()["vehicleAccess"] == PASSAGES
        assert_hardened(composed)

        bridge = composed.container("bridge")
        composed.engine("stop", "-t", "10", bridge)
        state = json.loads(composed.engine("inspect", bridge).stdout)[0]
        assert state["State"]["ExitCode"] == 0
        composed.engine("start", bridge)
        composed.wait_healthy()
        assert delivered(operator) == PASSAGES
    finally:
        operator.close()


def assert_hardened(stack):
    """What the images and compose.yml promise, as seen from inside."""
    for service, uid in (("bridge", "10001"), ("broker", "10002")):
        assert stack.inside(service, "id", "-u").stdout.strip() == uid
        status = stack.inside(service, "cat", "/proc/self/status").stdout
        assert "CapEff:\t0000000000000000" in status
        assert "NoNewPrivs:\t1" in status
        for path in ("/usr/x", "/etc/x"):
            stack.inside(service, "sh", "-c", f": >{path}", code=2)
        stack.inside(service, "sh", "-c", "command -v gcc cmake", code=127)
    stack.inside("bridge", "sh", "-c", ": >/tmp/x")
    assert "mosquitto" not in stack.inside("bridge", "ls", "/usr/sbin").stdout
