"""The parts of Sampan as processes on this machine: the broker, stand-in
platforms, the bridge, simulated devices.

./run shows them to people, the end-to-end tests hold them to their promises.
Everything is kept below one folder, every port is a free one of 127.0.0.1,
and no process outlives the one that made the Stack.
"""
import ctypes
import json
import os
import pathlib
import queue
import signal
import socket
import subprocess
import threading
import time
import urllib.request
import uuid

import paho.mqtt.client as mqtt

ROOT = pathlib.Path(__file__).resolve().parents[2]
PYTHON = "/usr/bin/python3"
PR_SET_PDEATHSIG = 1
CLOSE_S = 6  # the bridge needs up to 5
LIBC = ctypes.CDLL(None)


class StackError(Exception):
    """A part did not come up or did not answer."""


def free_port():
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds, what, every=0.05):
    """Poll until condition() is true and answer its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise StackError(f"{what}: not within {seconds} s")
        time.sleep(every)


def accepts(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def yaml_text(value, indent=0):
    """Plain data as block YAML; strings quoted, so that none is a number."""
    pad = "  " * indent
    lines = []
    if isinstance(value, dict):
        for key, member in value.items():
            if isinstance(member, (dict, list)) and member:
                lines.append(f"{pad}{key}:")
                lines.append(yaml_text(member, indent + 1))
            else:
                lines.append(f"{pad}{key}: {yaml_scalar(member)}")
    else:
        for member in value:
            if isinstance(member, (dict, list)) and member:
                inner = yaml_text(member, indent + 1)
                lines.append(f"{pad}- {inner[len(pad) + 2:]}")
            else:
                lines.append(f"{pad}- {yaml_scalar(member)}")
    return "\n".join(lines)


def yaml_scalar(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def die_with_parent():
    """In the child: end when the parent does, whatever ended it."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """One part: its output goes to a file, its end is ours."""

    def __init__(self, name, command, log, cwd=None, env=None, stdout=None):
        self.name = name
        self.log = log
        with open(log, "ab") as errors:
            # A session of its own: Ctrl-C is for the one who started us all.
            self.popen = subprocess.Popen(
                [str(word) for word in command], cwd=cwd,
                env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                stdout=stdout or errors, stderr=errors,
                start_new_session=True, preexec_fn=die_with_parent)

    @property
    def pid(self):
        return self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def check(self):
        if not self.running():
            raise StackError(f"{self.name} ended with {self.popen.returncode}:"
                             f"\n{self.last_words()}")

    def last_words(self, lines=15):
        text = pathlib.Path(self.log).read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def wait_ready(self, condition, seconds=15):
        def ready():
            self.check()
            return condition()
        return wait_until(ready, seconds, self.name)

    def wait(self, seconds):
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise StackError(f"{self.name} did not end in {seconds} s") from None

    def kill(self):
        if self.running():
            self.popen.kill()
        return self.popen.wait()

    def stop(self, seconds=8):
        """SIGTERM, and SIGKILL to one that does not listen."""
        if self.running():
            self.popen.terminate()
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return self.kill()


class Standin:
    """A stand-in platform and its control port."""

    def __init__(self, stack, kind, name, options):
        self.kind, self.name = kind, name
        self.port, self.control_port = free_port(), free_port()
        command = [PYTHON, ROOT / "tests/platforms/standin.py", kind,
                   "--port", self.port, "--control-port", self.control_port,
                   "--state", stack.folder / f"{name}.json"]
        for key, value in options.items():
            command += ["--option", f"{key}={value}"]
        self.command, self.stack = command, stack
        self.start()

    def start(self):
        self.process = self.stack.start(self.name, self.command)
        self.process.wait_ready(lambda: accepts(self.control_port))

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def control(self, verb, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.control_port}/_control/{verb}", data,
            {"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def stats(self):
        return self.control("stats")

    def fault(self, kind, **members):
        return self.control("fault", {"kind": kind, **members})


class Operator:
    """Asks the bridge over the admin topic and hears bridge/state."""

    def __init__(self, stack, name):
        self.replies = queue.Queue()
        self.state = None
        self.top = f"sampan/v1/{stack.site}"
        self.name = name
        self.client = mqtt.Client(f"{name}-{uuid.uuid4().hex[:8]}",
                                  protocol=mqtt.MQTTv5)
        self.client.username_pw_set(name, stack.password(name))
        self.client.on_connect = self.connected
        self.client.on_message = self.arrived
        listens = threading.Event()  # before that a reply would be missed
        self.client.on_subscribe = lambda *_: listens.set()
        self.client.reconnect_delay_set(1, 2)
        self.client.connect("127.0.0.1", stack.broker_port)
        self.client.loop_start()
        listens.wait(10)

    def connected(self, client, userdata, flags, reason, properties=None):
        client.subscribe([(f"{self.top}/admin/{self.name}/reply", 1),
                          (f"{self.top}/bridge/state", 1)])

    def arrived(self, client, userdata, message):
        try:
            content = json.loads(message.payload)
        except ValueError:
            return
        if message.topic.endswith("/bridge/state"):
            self.state = content
        else:
            self.replies.put(content)

    def ask(self, verb, seconds=15, **members):
        """The reply to a request; asked again while nobody listens."""
        ident = uuid.uuid4().hex
        request = json.dumps({"id": ident, "verb": verb, **members})
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.client.publish(f"{self.top}/admin/{self.name}/request",
                                request, qos=1)
            try:
                return self.reply(ident, min(end, time.monotonic() + 5))
            except queue.Empty:
                continue
        raise StackError(f"no reply to {verb} in {seconds} s")

    def reply(self, ident, end):
        while True:
            left = end - time.monotonic()
            if left <= 0:
                raise queue.Empty
            reply = self.replies.get(timeout=left)
            if reply.get("id") == ident:
                return reply

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


class Stack:
    """A site: accounts, settings and the processes that run on them."""

    def __init__(self, folder, build, site="demo"):
        self.folder = pathlib.Path(folder).resolve()
        self.build = pathlib.Path(build).resolve()
        self.site = site
        self.site_folder = self.folder / "site"
        self.broker_port = None
        self.processes = []
        self.operators = []
        self.folder.mkdir(parents=True, exist_ok=True)
        self.accounts("init", site)

    # ---- accounts and settings

    def accounts(self, *words):
        done = subprocess.run(
            [ROOT / "compose/accounts", *words], text=True, check=False,
            stdin=subprocess.DEVNULL, capture_output=True,
            env={**os.environ, "SAMPAN_SITE_FOLDER": str(self.site_folder)})
        if done.returncode:
            raise StackError(done.stderr.strip())

    def password_file(self, name):
        if name == "bridge":
            return self.site_folder / "secrets/broker.password"
        return self.site_folder / "passwords" / name

    def password(self, name):
        return self.password_file(name).read_text().strip()

    def write_secret(self, name, text):
        path = self.site_folder / "secrets" / name
        path.touch(mode=0o600)
        path.write_text(text)
        path.chmod(0o400)
        return str(path)

    def write_settings(self, settings, name="bridge.yaml"):
        """The bridge's settings; site, broker and store are filled in."""
        whole = {
            "site": self.site,
            "broker": {"host": "127.0.0.1", "port": self.broker_port,
                       "username": "bridge",
                       "password_file": str(self.password_file("bridge"))},
            "store": {"folder": str(self.folder / "store"),
                      "quota_mb": 2048, "reserve_mb": 64},
        }
        return self.write_yaml(whole, settings, name)

    def write_adapter_settings(self, kind, user, settings):
        """Those of an adapter, in KIND.yaml; its account is user."""
        whole = {
            "site": self.site,
            "broker": {"host": "127.0.0.1", "port": self.broker_port,
                       "username": user,
                       "password_file": str(self.password_file(user))},
            "outbox": {"folder": str(self.folder / f"outbox-{kind}"),
                       "quota_mb": 256},
        }
        return self.write_yaml(whole, settings, f"{kind}.yaml")

    def write_yaml(self, whole, settings, name):
        for key, value in settings.items():
            if isinstance(value, dict) and isinstance(whole.get(key), dict):
                whole[key].update(value)
            else:
                whole[key] = value
        path = self.folder / name
        path.write_text(yaml_text(whole) + "\n")
        return path

    # ---- processes

    def log_of(self, name):
        logs = self.folder / "logs"
        logs.mkdir(exist_ok=True)
        return logs / f"{name}.log"

    def start(self, name, command, **options):
        process = Process(name, command, self.log_of(name), **options)
        self.processes.append(process)
        return process

    def start_broker(self, port=None):
        """Mosquitto with compose/mosquitto.conf; only its listener differs."""
        home = self.folder / "broker"
        (home / "data").mkdir(parents=True, exist_ok=True)
        if not (home / "accounts").exists():
            (home / "accounts").symlink_to(self.site_folder / "accounts")
        self.broker_port = port or self.broker_port or free_port()
        text = (ROOT / "compose/mosquitto.conf").read_text()
        listener = f"listener {self.broker_port} 127.0.0.1"
        if os.geteuid() == 0:  # it would become a user who may not read here
            listener += "\nuser root"
        text = text.replace("\nlistener 1883\n", f"\n{listener}\n")
        (home / "mosquitto.conf").write_text(text)
        self.broker = self.start("broker", [mosquitto_path(), "-c",
                                            home / "mosquitto.conf"], cwd=home)
        self.broker.wait_ready(lambda: accepts(self.broker_port))
        return self.broker

    def start_standin(self, kind, name=None, **options):
        return Standin(self, kind, name or kind, options)

    def program(self, name):
        found = [path for path in (self.build / "bin" / name,
                                   *self.build.glob(f"**/{name}"))
                 if path.is_file() and os.access(path, os.X_OK)]
        if not found:
            raise StackError(f"{name} is not built below {self.build}")
        return found[0]

    def start_bridge(self, settings="bridge.yaml", ready=True, **options):
        began = time.time()
        self.bridge = self.start(
            "bridge", [self.program("sampan-bridge"), "-c",
                       self.folder / settings], **options)
        if ready:
            self.bridge.wait_ready(lambda: self.told_health(began))
        return self.bridge

    def told_health(self, since):
        """Has the bridge written since then that it hears the broker?"""
        path = self.folder / "state/health.json"
        try:
            return (path.stat().st_mtime >= since
                    and json.loads(path.read_text())["broker"])
        except (FileNotFoundError, ValueError):
            return False

    def start_adapter(self, kind, settings=None, **options):
        """sampan-KIND with what write_adapter_settings wrote."""
        return self.start(
            kind, [self.program(f"sampan-{kind}"), "-c",
                   self.folder / (settings or f"{kind}.yaml")], **options)

    def start_devices(self, kind, name, user, *words):
        """tests/devices/devices.py; its books come to NAME.books."""
        return self.start_plain_devices(
            kind, name, "--host", "127.0.0.1", "--port", self.broker_port,
            "--user", user, "--password-file", self.password_file(user),
            "--site", self.site, *words)

    def start_plain_devices(self, kind, name, *words):
        """Those that know no broker."""
        with open(self.folder / f"{name}.books", "wb") as books:
            return self.start(
                name, [PYTHON, ROOT / "tests/devices/devices.py", kind,
                       *words], stdout=books)

    def books(self, name):
        """What a device says it sent, once it has ended."""
        text = (self.folder / f"{name}.books").read_text()
        return json.loads(text) if text.strip() else None

    def operator(self, name="op"):
        if not self.password_file(name).exists():
            self.accounts("add", "operator", name)
            self.reload_accounts()
        operator = Operator(self, name)
        self.operators.append(operator)
        return operator

    def reload_accounts(self):
        if self.broker_port and self.broker.running():
            self.broker.popen.send_signal(signal.SIGHUP)

    def close(self):
        for operator in self.operators:
            operator.close()
        for process in self.processes:  # all at once, then wait for each
            if process.running():
                process.popen.terminate()
        end = time.monotonic() + CLOSE_S
        for process in self.processes:
            process.stop(max(end - time.monotonic(), 0.1))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def mosquitto_path():
    for path in ("/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"):
        if os.access(path, os.X_OK):
            return path
    return "mosquitto"
