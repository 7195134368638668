"""The field of a site: adapters as programs, and simulated devices for them.

    Field       starts, kills and starts again sampan-camera, -weighbridge and
                -meter; makes cameras, scales and meters of tests/devices; at
                its end every adapter ends with 0 within 5 s of SIGTERM and no
                sanitizer spoke
"""
import hashlib
import json
import sys
import threading
import time

from harness import HERE, SANITIZERS, STOP_SECONDS
from stack import accepts, free_port

sys.path.insert(0, str(HERE.parent / "devices"))

from simulated import (cameras, ledger, meters, modbus_meters,  # noqa: E402
                       scales, wire)

PROFILES = HERE.parents[1] / "adapters/meter/profiles"
CAMERA, SCALE, METER = "camera", "weighbridge", "meter"
# A truck is weighed after a second; the simulated scales have this division.
STABLE = {"division": scales.DIVISION_KG, "stable": {"seconds": 1}}
# As quick as that allows.
QUICK = scales.Script(approach=0.3, swing=0.3, creep=0.3, stand=2.5,
                      leave=0.2, empty=1.5)
USERS = {CAMERA: "cameras", SCALE: "scales", METER: "meters"}


class Field:
    def __init__(self, site):
        self.site = site
        self.stopping = threading.Event()
        self.adapters, self.settings = {}, {}
        self.killed = []
        self.cameras, self.threads, self.wires = {}, [], []
        self.camera_port = free_port()

    # ---- the programs

    def furnish(self, kind, names, settings):
        """An account for the adapter and its devices, and its settings."""
        self.site.accounts("add", "device", USERS[kind], kind,
                           *(f"{kind}/{name}" for name in names))
        self.site.reload_accounts()
        self.settings[kind] = settings
        self.write(kind)

    def write(self, kind, **other):
        self.settings[kind].update(other)
        self.site.write_adapter_settings(kind, USERS[kind],
                                         self.settings[kind])

    def start(self, kind):
        adapter = self.adapters[kind] = self.site.start_adapter(
            kind, env={"ASAN_OPTIONS": "exitcode=99",
                       "UBSAN_OPTIONS": "print_stacktrace=1"})
        if kind == CAMERA and self.settings[kind].get("listen"):
            adapter.wait_ready(lambda: accepts(self.camera_port))
        return adapter

    def kill(self, kind):
        self.killed.append(self.adapters[kind])
        self.adapters[kind].kill()

    def stop(self, kind):
        adapter = self.adapters[kind]
        adapter.check()
        began = time.monotonic()
        adapter.popen.terminate()
        code = adapter.wait(STOP_SECONDS + 10)
        took = time.monotonic() - began
        assert code == 0, f"sampan-{kind}: {code}\n{adapter.last_words(40)}"
        assert took < STOP_SECONDS, f"SIGTERM took {took:.1f} s"

    # ---- cameras

    def camera_settings(self, *told, **other):
        """told: (id, maker, part, more)"""
        return {"listen": {"address": "127.0.0.1", "port": self.camera_port},
                "upload": {"settle_s": 1, "join_s": 0, "scan_s": 1},
                "cameras": [{"id": name, "maker": maker, "kind": part, **more}
                            for name, maker, part, more in told], **other}

    def camera(self, kind, name, where=None, **options):
        one = cameras.make(
            kind, name, where or f"http://127.0.0.1:{self.camera_port}",
            self.stopping, **options)
        self.cameras[name] = one
        one.start()
        return one

    def settled(self):
        return all(one.settled() for one in self.cameras.values())

    # ---- lines

    def path(self, name):
        (self.site.folder / "lines").mkdir(exist_ok=True)
        return self.site.folder / "lines" / name

    def serve(self, one):
        thread = threading.Thread(target=one.serve, args=(self.stopping,),
                                  daemon=True)
        thread.start()
        self.threads.append(thread)
        self.wires.append(one.wire)
        return one

    def scale(self, kind, line, script=scales.Script(), faults=None,
              rate=10.0):
        return self.serve(scales.Scale(
            kind, line, faults or wire.Faults(), scales.Platform(script),
            rate))

    def driver(self, scale, weights, enough=None):
        """Trucks, until enough is set; the last one is still weighed."""
        driver = scales.Driver(scale, weights, enough or self.stopping)
        driver.start()
        return driver

    def bus(self, line, *all_meters, faults=None, **options):
        return self.serve(meters.Bus(line, list(all_meters),
                                     faults or wire.Faults(), **options))

    def modbus(self, line, units, faults=None, **options):
        return self.serve(modbus_meters.ModbusServer(
            line, units, faults or wire.Faults(), **options))

    # ---- the end

    def close(self):
        self.stopping.set()
        for one in (*self.threads, *self.cameras.values()):
            one.join(12)
        for kind, adapter in self.adapters.items():
            if adapter not in self.killed and adapter.popen.returncode != 0:
                self.stop(kind)
        for one in self.wires:
            one.close()
        for kind in self.adapters:
            log = self.site.log_of(kind)
            found = [line for line in log.read_text(errors="replace")
                     .splitlines() if any(word in line for word in SANITIZERS)]
            assert not found, "\n".join(found[:5])


class Tap:
    """Events as the bridge hears them, each once; who is online."""

    def __init__(self, site, kind, leaf):
        self.site, self.events = site, {}
        self.online, self.why = {}, {}
        self.speaker = site.speaker("bridge", f"{site.top}/{kind}/+/{leaf}",
                                    f"{site.top}/{kind}/+/status")
        self.speaker.client.on_message = self.arrived

    def arrived(self, client, userdata, message):
        levels, told = message.topic.split("/"), json.loads(message.payload)
        if levels[5] == "status":
            self.why[levels[4]] = told.get("why")
            self.online[levels[4]] = told["online"]
        else:
            self.events.setdefault(levels[4], {})[told["event_id"],
                                                  told.get("revision", 0)] = \
                told

    def of(self, device):
        return list(self.events.get(device, {}).values())

    def all_stored(self):
        """By the bridge's books; nothing was refused."""
        rows = self.site.ask("stats")["events"]
        assert not any(row["invalid"] for row in rows), rows
        said = sum(len(events) for events in self.events.values())
        return sum(row["received"] - row["repeats"] for row in rows) >= said


def start_bridge(site):
    """With a platform that takes anything."""
    site.settings(site.generic("mes", site.sink().url))
    site.start_bridge()


def digest(jpeg):
    return hashlib.sha256(jpeg).hexdigest()


def write_ledger(site, count):
    """Vehicles 云A10000 and on, each of 15 t; imported."""
    path = site.folder / "ledger.csv"
    with open(path, "w", encoding="utf-8") as file:
        ledger.write(ledger.plain(count), file)
    site.ctl("import", path)


__all__ = ["Field", "Tap", "start_bridge", "digest", "write_ledger", "CAMERA",
           "SCALE", "METER", "PROFILES", "STABLE", "QUICK", "cameras",
           "meters", "modbus_meters", "scales", "wire"]
