"""The part of the demonstration that goes through the adapters: devices that
speak their makers' protocols, the three programs that listen to them, and a
witness who counts what the bridge says it has stored of each."""
import json
import threading
import uuid

import paho.mqtt.client as mqtt

from plant import energy_item, lane
from stack import ROOT, accepts, free_port

PICTURE_KB = 60
# A truck's visit in seconds; the scale calls a weight stable after one.
SCRIPT = {"approach": 0.5, "swing": 0.5, "creep": 0.3, "stand": 2.5,
          "leave": 0.3, "empty": 0.6}

# adapter: its account and the devices it speaks for
ACCOUNTS = {
    "camera": ("cameras", ["cam-south-in-head", "cam-south-in-body",
                           "cam-south-out-head", "cam-south-out-body"]),
    "weighbridge": ("scales", ["scale-south-in", "scale-south-out"]),
    "meter": ("meters", ["meter-south-1", "meter-south-2", "meter-south-3"]),
}
ADDRESSES = ("000000000161", "123456789012")
MAC = "44:a6:42:f3:2a:d7"
LOGIN = "sampan"


def devices():
    """("camera", "cam-south-in-head") ..."""
    return [(kind, name) for kind, (_, names) in ACCOUNTS.items()
            for name in names]


def of_the_bridge():
    """What its settings have of these devices."""
    return {
        "lanes": [lane("south-in", "A03", "in", "south-in"),
                  lane("south-out", "A04", "out", "south-out")],
        "items": [energy_item(name, f"{number:02d}") for number, name in
                  enumerate(ACCOUNTS["meter"][1], 1)],
    }


def camera_settings(stack, port):
    def camera(name, maker, part, **other):
        return {"id": f"cam-south-{name}", "maker": maker, "kind": part,
                **other}

    here = ["127.0.0.1"]
    return {
        "listen": {"address": "127.0.0.1", "port": port},
        "upload": {"settle_s": 1, "join_s": 0, "scan_s": 1},
        "cameras": [
            camera("in-head", "vz", "head", address=here,
                   identity="vz-cam-south-in-head"),
            camera("in-body", "hikvision", "body", address=here,
                   identity=MAC),
            camera("out-head", "dahua", "head", address=here,
                   identity="dahua-cam-south-out-head", username=LOGIN,
                   password_file=str(stack.password_file("cameras"))),
            camera("out-body", "files", "body",
                   folder=str(stack.folder / "uploads"), files=[
                       {"pattern": "{plate}_{color}_"
                        "{time:%Y%m%d%H%M%S%3}_{*}.jpg"}]),
        ]}


def weighbridge_settings(stack, port):
    quick = {"division": 20, "stable": {"seconds": 1, "empty_s": 0.3}}
    return {"scales": [
        {"id": "scale-south-in", "model": "yaohua-a9-continuous",
         "port": str(stack.folder / "lines/scale-in"), "speed": 9600,
         "format": "8N1", **quick},
        {"id": "scale-south-out", "model": "mt-continuous",
         "port": f"tcp://127.0.0.1:{port}", **quick},
    ]}


def meter_settings(stack, port):
    def meter(number, protocol, address, **other):
        return {"id": f"meter-south-{number}", "protocol": protocol,
                "address": address, "every_minutes": 1, **other}

    return {
        "profile_folder": str(ROOT / "adapters/meter/profiles"),
        "buses": [
            {"port": str(stack.folder / "lines/meters"), "meters": [
                meter(number + 1, "dlt645-2007", address)
                for number, address in enumerate(ADDRESSES)]},
            {"port": f"tcp://127.0.0.1:{port}", "meters": [
                meter(3, "modbus-tcp", "1", profile="sdm630")]},
        ]}


def plan(stack, ports):
    """What tests/devices/devices.py plays."""
    url = f"http://127.0.0.1:{ports['camera']}"

    def camera(name, kind, where=url, **other):
        return {"kind": kind, "name": f"cam-south-{name}", "where": where,
                **other}

    def scale(name, kind, wire):
        return {"kind": kind, "name": f"scale-south-{name}", "wire": wire,
                "script": SCRIPT}

    lines = stack.folder / "lines"
    return {
        "lanes": [
            {"name": "south-in", "direction": "in",
             "head": camera("in-head", "vz"),
             "body": camera("in-body", "hikvision", mac=MAC),
             "scale": scale("in", "a9", f"pty:{lines}/scale-in")},
            {"name": "south-out", "direction": "out",
             "head": camera("out-head", "dahua", user=LOGIN, password_file=str(
                 stack.password_file("cameras"))),
             "body": camera("out-body", "folder",
                            str(stack.folder / "uploads")),
             "scale": scale("out", "toledo", f"tcp:{ports['weighbridge']}")},
        ],
        "lines": [
            {"wire": f"pty:{lines}/meters", "meters": [
                {"protocol": "dlt645-2007", "address": address}
                for address in ADDRESSES]},
            {"wire": f"tcp:{ports['meter']}", "framing": "tcp",
             "units": {"1": "sdm630"}},
        ]}


class Witness:
    """Hears the receipts of the adapters' devices: what each has had stored,
    every event once."""

    def __init__(self, stack):
        self.stored = {f"{kind}/{name}": set() for kind, name in devices()}
        self.refused = {}
        self.lock = threading.Lock()
        self.clients = [self.listen(stack, user, [
            f"sampan/v1/{stack.site}/receipt/{kind}/{name}"
            for name in names]) for kind, (user, names) in ACCOUNTS.items()]

    def listen(self, stack, user, topics):
        client = mqtt.Client(f"witness-{uuid.uuid4().hex[:8]}",
                             protocol=mqtt.MQTTv311)
        client.username_pw_set(user, stack.password(user))
        client.on_connect = lambda client, *_: client.subscribe(
            [(topic, 1) for topic in topics])
        client.on_message = self.arrived
        listens = threading.Event()
        client.on_subscribe = lambda *_: listens.set()
        client.reconnect_delay_set(1, 2)
        client.connect("127.0.0.1", stack.broker_port)
        client.loop_start()
        listens.wait(10)
        return client

    def arrived(self, client, userdata, message):
        name = "/".join(message.topic.split("/")[-2:])
        receipt = json.loads(message.payload)
        with self.lock:
            self.stored[name].update(receipt.get("stored", []))
            for one in receipt.get("rejected", []):
                self.refused[one["id"]] = f"{name}: {one['reason']}"

    def counts(self):
        with self.lock:
            return {name: len(ids) for name, ids in self.stored.items()}

    def close(self):
        for client in self.clients:
            client.disconnect()
            client.loop_stop()


class Wired:
    """The adapters and their devices, in a stack that runs."""

    def __init__(self, stack):
        self.stack = stack
        self.log = stack.folder / "wired.jsonl"
        self.read, self.said = 0, {}
        self.adapters = {}

    def furnish(self):
        """Accounts, settings, folders."""
        for kind, (user, names) in ACCOUNTS.items():
            self.stack.accounts("add", "device", user, kind,
                                *(f"{kind}/{name}" for name in names))
        for folder in ("lines", "uploads"):
            (self.stack.folder / folder).mkdir()
        self.ports = {kind: free_port() for kind in ACCOUNTS}
        for kind, settings in (("camera", camera_settings),
                               ("weighbridge", weighbridge_settings),
                               ("meter", meter_settings)):
            self.stack.write_adapter_settings(
                kind, ACCOUNTS[kind][0],
                settings(self.stack, self.ports[kind]))
        (self.stack.folder / "plan.json").write_text(
            json.dumps(plan(self.stack, self.ports), indent=1))

    def start(self, ledger, seconds):
        """The devices' process; it waits for whoever listens."""
        self.witness = Witness(self.stack)
        words = ["--plan", self.stack.folder / "plan.json", "--ledger",
                 ledger, "--picture-kb", PICTURE_KB, "--log", self.log]
        if seconds is not None:
            words += ["--seconds", seconds]
        self.adapters["camera"] = self.stack.start_adapter("camera")
        self.adapters["camera"].wait_ready(
            lambda: accepts(self.ports["camera"]))
        devices = self.stack.start_plain_devices("plant", "wired", *words)
        lines = self.stack.folder / "lines"
        devices.wait_ready((lines / "meters").is_symlink)
        for kind in ("weighbridge", "meter"):
            self.adapters[kind] = self.stack.start_adapter(kind)
        return devices

    def tally(self):
        """Device -> events it has said so far, from their log."""
        if self.log.exists():
            with open(self.log, encoding="utf-8") as log:
                log.seek(self.read)
                for line in log:
                    if not line.endswith("\n"):
                        break
                    self.read += len(line.encode("utf-8"))
                    self.count(json.loads(line))
        return self.said

    def count(self, told):
        name = f"camera/{told['camera']}" if "camera" in told \
            else f"weighbridge/{told['scale']}"
        if told.get("heard", True):
            self.said[name] = self.said.get(name, 0) + 1

    def rows(self):
        """(adapter, said, stored) for the table; said None: not known."""
        said, stored = self.tally(), self.witness.counts()
        for kind in ACCOUNTS:
            names = [f"{kind}/{name}" for name in ACCOUNTS[kind][1]]
            yield (f"sampan-{kind}",
                   None if kind == "meter" else sum(
                       said.get(name, 0) for name in names),
                   sum(stored[name] for name in names))

    def missing(self, books):
        """Device -> (said, stored) where the bridge has not all, yet."""
        stored = self.witness.counts()
        wanted = expected(books)
        return {name: (wanted[name], stored[name]) for name in stored
                if (stored[name] < 1 if wanted[name] is None
                    else stored[name] != wanted[name])}

    def stop(self):
        """Exit codes of the adapters, ended as an operator ends them."""
        for one in self.adapters.values():
            if one.running():
                one.popen.terminate()
        return {kind: one.stop() for kind, one in self.adapters.items()}


def expected(books):
    """Device -> the events that must arrive; None: at least one."""
    wanted = {f"{kind}/{name}": None for kind, name in devices()}
    for name, one in (books or {}).get("cameras", {}).items():
        wanted[f"camera/{name}"] = one["answered"]
    for name, one in (books or {}).get("scales", {}).items():
        wanted[f"weighbridge/{name}"] = one["trucks"]
    return wanted
