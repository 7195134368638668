"""The rig of the bench: broker, sink, bridge, publisher and what they cost.

Every part is a process below one scratch folder on the disk under test, every
port a free one of 127.0.0.1.  A Span measures what a stretch of time cost and
how much of the machine others used meanwhile.
"""
import json
import mmap
import os
import pathlib
import select
import subprocess
import sys
import time

import lmdb

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "compose" / "demo"))
from stack import (StackError, accepts, die_with_parent, free_port,  # noqa: E402
                   wait_until, yaml_text)

TICKS = os.sysconf("SC_CLK_TCK")
SILENT_S = 180
WARM_BYTES = 4 << 30
CORES = os.cpu_count()
CONCURRENCY = 8  # the bridge's default, and of the poster beside it

BROKER = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
max_queued_messages 0
max_queued_bytes 0
max_packet_size 8388608
max_inflight_messages 100
log_dest none
"""


class Part:
    """A process of the rig; talk() to those that read commands."""

    def __init__(self, folder, name, *command, talks=False):
        self.name = name
        self.log = folder / f"{name}.log"
        with open(self.log, "ab") as log:
            self.popen = subprocess.Popen(
                [str(word) for word in command], text=True, stderr=log,
                stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                stdout=subprocess.PIPE if talks else log,
                start_new_session=True, preexec_fn=die_with_parent)

    @property
    def pid(self):
        return self.popen.pid

    def talk(self, command):
        self.popen.stdin.write(command + "\n")
        self.popen.stdin.flush()
        return self.hear()

    def hear(self):
        """Its next line; one that says nothing for long is stuck."""
        if not select.select([self.popen.stdout], [], [], SILENT_S)[0]:
            raise StackError(f"{self.name} says nothing")
        line = self.popen.stdout.readline()
        if not line:
            raise StackError(f"{self.name} ended: {self.log.read_text()}")
        return json.loads(line)

    def of_proc(self, name):
        return pathlib.Path(f"/proc/{self.pid}/{name}").read_text()

    def cpu_s(self):
        fields = self.of_proc("stat").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_mb(self, name):
        """VmHWM, VmRSS, RssAnon or RssFile."""
        for line in self.of_proc("status").splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1024
        raise KeyError(name)

    def written(self):
        """What it passed to write(2), and what the kernel says is dirty of
        it: that counts all of a large folio for one of its pages."""
        counts = dict(line.split(": ")
                      for line in self.of_proc("io").splitlines())
        return int(counts["wchar"]), int(counts["write_bytes"])

    def end(self, seconds=10):
        if self.popen.poll() is None:
            self.popen.terminate()
        try:
            self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe is not None:
                pipe.close()

    def kill(self):
        self.popen.kill()
        self.popen.wait()


class Rig:
    """All of it, for one measurement; the bridge may come and go."""

    def __init__(self, build, folder, bridge=True):
        self.build = pathlib.Path(build)
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.parts = []
        self.bridge = None
        self.broker_port, self.sink_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.sink_port}/"
        self.broker = self.broker_start()
        self.sink = self.part("sink", self.tool("bench_sink"), self.sink_port,
                              talks=True)
        wait_until(lambda: accepts(self.sink_port), 10, "sink")
        if bridge:
            self.configure()
            self.bridge_start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for part in reversed(self.parts):
            part.end()

    def part(self, name, *command, talks=False):
        part = Part(self.folder, name, *command, talks=talks)
        self.parts.append(part)
        return part

    def tool(self, name):
        return self.build / "tests" / "bench" / name

    def broker_start(self):
        folder = self.folder / "broker"
        folder.mkdir()
        config = self.folder / "broker.conf"
        config.write_text("user root\n" * (os.getuid() == 0) + BROKER.format(
            port=self.broker_port, folder=folder))
        broker = self.part("broker", "mosquitto", "-c", config)
        wait_until(lambda: accepts(self.broker_port), 10, "mosquitto")
        return broker

    # ---- the bridge ------------------------------------------------------

    def configure(self):
        self.store = self.folder / "bridge" / "store"
        self.store.mkdir(parents=True)
        (self.folder / "bridge.yaml").write_text(yaml_text({
            "site": "bench",
            "log_level": "warn",
            "broker": {"host": "127.0.0.1", "port": self.broker_port},
            "store": {"folder": str(self.store), "quota_mb": 16384,
                      "reserve_mb": 64},
            "uplink": {"concurrency": CONCURRENCY},
            "destinations": [{"name": "sink", "platform": "generic",
                              "base_url": self.url.rstrip("/")}],
            "routes": [{"filter": "gate/+/record", "destination": "sink",
                        "event_id": "/id", "event_time": "/ts",
                        "event_time_unit": "ns"}],
        }) + "\n")

    def bridge_start(self, wait=True):
        if self.bridge is not None:
            self.parts.remove(self.bridge)
        self.bridge = self.part(
            "bridge", self.build / "bridge" / "sampan-bridge", "-c",
            self.folder / "bridge.yaml")
        if wait:
            wait_until(self.listens, 30, "bridge")

    def listens(self):
        """It asks to be subscribed before it tells that its broker is there."""
        if self.bridge.popen.poll() is not None:
            raise StackError(f"bridge: {self.bridge.log.read_text()}")
        health = self.folder / "bridge" / "state" / "health.json"
        try:
            state = json.loads(health.read_text())
        except (OSError, ValueError):
            return False
        return state["broker"]

    def stored(self):
        """Records in the log of the month, as another process sees them."""
        months = sorted(self.store.glob("[0-9]*-[0-9]*"))
        if not months:
            return 0
        with lmdb.open(str(months[-1]), readonly=True, max_dbs=4) as env:
            log = env.open_db(b"log", create=False)
            with env.begin(log) as look:
                return look.stat()["entries"]

    # ---- what is done with it --------------------------------------------

    def publish(self, prefix, count, size=1024, rate=0, window=100):
        """A publisher at work; its join() gives what it prints."""
        part = Part(self.folder, "pub", self.tool("bench_pub"),
                    self.broker_port, prefix, count, size, rate, window,
                    talks=True)
        self.parts.append(part)

        def join():
            try:
                return part.hear()
            finally:
                part.end()
                self.parts.remove(part)
        part.join = join
        return part

    def consumer(self, count, *url):
        """The null consumer; ready when this returns, hear() its result."""
        part = self.part("consumer", self.tool("bench_consumer"),
                         self.broker_port, count, *url, talks=True)
        if part.popen.stdout.readline().strip() != "ready":
            raise StackError(f"consumer: {part.log.read_text()}")
        return part

    def delivered(self, count, seconds=300, silent_s=30):
        """Wait for the sink to have this many; its stats."""
        seen, since = -1, time.monotonic()
        end = since + seconds
        while True:
            stats = self.sink.talk("stats")
            if stats["unique"] >= count:
                return stats
            now = time.monotonic()
            if stats["unique"] != seen:
                seen, since = stats["unique"], now
            if now > end or now - since > silent_s:
                raise StackError(f"{seen} of {count} were delivered")
            time.sleep(0.05)

    def instrument(self, name, *words):
        """One of the instruments that need no rig; what it prints."""
        done = subprocess.run([str(self.tool(name)), *map(str, words)],
                              check=True, capture_output=True, text=True)
        return done.stdout

    def disk(self, count, size, group, rate=0, how="in-place"):
        return json.loads(self.instrument("bench_disk", self.folder, count,
                                          size, group, rate, how))

    def span(self):
        return Span(self)


class Span:
    """From its making to its stop()."""

    def __init__(self, rig):
        self.rig = rig
        self.bridge_cpu_s = self.written = self.dirtied = 0
        if rig.bridge is not None:
            self.bridge_cpu_s = rig.bridge.cpu_s()
            self.written, self.dirtied = rig.bridge.written()
        self.start_s = time.monotonic()
        self.busy_s = busy_s()
        self.ours_s = self.ours()

    def ours(self):
        """CPU of all that is ours: the dead, the living and this program."""
        times = os.times()
        living = 0
        for part in self.rig.parts:
            if part.popen.poll() is None:
                living += part.cpu_s()
        return (times.user + times.system + times.children_user +
                times.children_system + living)

    def stop(self):
        rig = self.rig
        self.took_s = time.monotonic() - self.start_s
        others_s = (busy_s() - self.busy_s) - (self.ours() - self.ours_s)
        self.others = max(0.0, others_s / (self.took_s * CORES))
        if rig.bridge is not None:
            self.bridge_cpu_s = rig.bridge.cpu_s() - self.bridge_cpu_s
            written, dirtied = rig.bridge.written()
            self.written = written - self.written
            self.dirtied = dirtied - self.dirtied
        return self


def wait_quiet(patience_s, most):
    """Until the machine was idle for a second but for this share of it."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        before = busy_s()
        time.sleep(1)
        if (busy_s() - before) / CORES < most:
            return


def warm():
    """Touch and free memory, so that the page cache grows into what the
    machine has used before: a virtual one pays dearly for the first touch."""
    with open("/proc/meminfo", encoding="ascii") as info:
        sizes = {line.split(":")[0]: int(line.split()[1]) << 10
                 for line in info}
    size = min(WARM_BYTES, sizes["MemFree"] // 2)
    with mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_POPULATE):
        pass


def busy_s():
    """All that the processors did, of whomever."""
    with open("/proc/stat", encoding="ascii") as stat:
        fields = [int(field) for field in stat.readline().split()[1:]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields[:8]
    return (user + nice + system + irq + softirq + steal) / TICKS
