"""Simulated devices keep every event until its receipt."""

import base64
import collections
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from simulated import events, jpeg, ledger  # noqa: E402
from simulated.link import Device, Link  # noqa: E402
from simulated.outbox import Outbox  # noqa: E402

PYTHON = "/usr/bin/python3"
STATE = "sampan/v1/s/bridge/state"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.01)


class Broker:
    """A mosquitto of the test's own; it can be killed and started again."""

    def __init__(self, folder):
        self.port = free_port()
        self.config = folder / "mosquitto.conf"
        user = "user root\n" if os.geteuid() == 0 else ""
        self.config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\n{user}"
            "persistence false\nlog_dest none\nmax_queued_messages 0\n")
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["/usr/sbin/mosquitto", "-c", self.config])
        wait(self.accepts)

    def accepts(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()


class Bridge:
    """Hears everything; gives receipts when the test wants them."""

    def __init__(self, port, answers=True, version=mqtt.MQTTv5):
        self.heard = []      # (topic, event), in order
        self.answers = answers
        self.reject = {}     # event id or "*" -> reason
        self.lock = threading.Lock()
        self.subscribed = threading.Event()
        self.client = mqtt.Client("bridge", protocol=version)
        self.client.on_connect = lambda c, *rest: c.subscribe(
            [(f"sampan/v1/s/{kind}/#", 1) for kind in
             ("camera", "weighbridge", "meter", "up")] + [("line/#", 1)])
        self.client.on_subscribe = lambda *rest: self.subscribed.set()
        self.client.on_message = self.on_message
        self.client.reconnect_delay_set(1, 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self.subscribed.wait(10)

    def on_message(self, client, userdata, message):
        if message.topic.endswith("/status"):
            return
        event = json.loads(message.payload)
        with self.lock:
            self.heard.append((message.topic, event))
            answers = self.answers
        if answers and "event_id" in event:
            self.receipt(message.topic, event["event_id"])

    def receipt(self, topic, event_id):
        levels = topic.split("/")
        reason = self.reject.get(event_id, self.reject.get("*"))
        receipt = {"stored": [] if reason else [event_id],
                   "rejected": [{"id": event_id, "reason": reason}]
                   if reason else []}
        self.client.publish("/".join(levels[:3] + ["receipt"] + levels[3:5]),
                            json.dumps(receipt), 1)

    def answer_all(self):
        with self.lock:
            self.answers = True
            heard = list(self.heard)
        for topic, event in heard:
            if "event_id" in event:
                self.receipt(topic, event["event_id"])

    def state(self, full):
        self.client.publish(STATE, json.dumps({"full": full}), 1,
                            retain=True).wait_for_publish(5)

    def ids(self):
        with self.lock:
            return [event["event_id"] for _, event in self.heard
                    if "event_id" in event]

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    one = Broker(tmp_path_factory.mktemp("broker"))
    yield one
    one.kill()


@pytest.fixture
def bridge(broker):
    one = Bridge(broker.port)
    yield one
    one.client.publish(STATE, b"", 1, retain=True).wait_for_publish(5)
    one.close()


@pytest.fixture
def link(broker):
    """link(devices, **options) -> a started Link, closed at the end."""
    links = []

    def make(*devices, **options):
        options = {"resend_s": 20.0, **options}
        links.append(Link(list(devices), port=broker.port, site="s",
                          **options).start())
        return links[-1]

    yield make
    for one in links:
        one.close()


def scale(**options):
    return Device("weighbridge", "scale-1", "s", **options)


def weigh(device, count):
    return [device.say("weight", events.weight("scale-1", 20000 + 20 * n))
            for n in range(count)]


def run(broker, kind, *words, code=0):
    """devices.py until it ends; its books."""
    site = ["--site", "s"] if kind != "flood" else []
    done = subprocess.run(
        [PYTHON, str(HERE / "devices.py"), kind, "--port", str(broker.port),
         *site, *map(str, words)], capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout) if code == 0 else done.stderr


# --- keeping -------------------------------------------------------------------

@pytest.mark.parametrize("version", [3, 5])
def test_receipt_ends_the_keeping(bridge, link, version):
    device = scale()
    one = link(device, version=version)
    ids = weigh(device, 5)
    assert one.wait_settled(10)
    assert bridge.ids() == ids
    books = device.books()
    assert (books["made"], books["published"], books["stored"],
            books["resent"], books["unreceipted"]) == (5, 5, 5, 0, 0)


def test_rejection_ends_the_keeping_too_and_is_told(bridge, link):
    bridge.reject["*"] = "no such lane"
    device = scale()
    one = link(device)
    weigh(device, 2)
    assert one.wait_settled(10)
    assert device.books()["reasons"] == {"no such lane": 2}
    assert device.books()["stored"] == 0


def test_event_without_receipt_is_sent_again_with_its_id(bridge, link):
    bridge.answers = False
    device = scale()
    one = link(device, resend_s=0.3)
    first, = weigh(device, 1)
    wait(lambda: len(bridge.ids()) >= 3)
    assert set(bridge.ids()) == {first}
    bridge.answer_all()
    assert one.wait_settled(10)
    assert device.books()["published"] == 1
    assert device.books()["stored"] == 1
    payloads = {json.dumps(event) for _, event in bridge.heard}
    assert len(payloads) == 1


def test_in_flight_is_bounded(bridge, link):
    bridge.answers = False
    device = scale(in_flight=7)
    one = link(device)
    weigh(device, 30)
    wait(lambda: len(bridge.ids()) == 7)
    assert len(device.flying) == 7 and len(device.waiting) == 23
    bridge.answer_all()
    assert one.wait_settled(10)
    assert len(set(bridge.ids())) == 30


def test_nothing_is_sent_while_the_bridge_is_full(bridge, link):
    bridge.state(True)
    device = scale()
    one = link(device)
    wait(lambda: one.full)
    ids = weigh(device, 3)
    assert not one.wait_settled(0.5) and bridge.ids() == []
    bridge.state(False)
    assert one.wait_settled(10)
    assert bridge.ids() == ids


def test_nothing_is_lost_when_the_broker_dies(tmp_path):
    broker = Broker(tmp_path)
    bridge = Bridge(broker.port, answers=False)
    device = scale()
    one = Link([device], port=broker.port, site="s").start()
    try:
        ids = weigh(device, 50)
        wait(lambda: len(bridge.ids()) == 50)
        broker.kill()
        ids += weigh(device, 50)
        broker.start()
        bridge.answers = True
        assert one.wait_settled(30)
        assert set(bridge.ids()) == set(ids)
        books = device.books()
        assert books["stored"] == books["published"] == 100
        assert books["resent"] >= 50
        assert one.connects == 2
    finally:
        one.close()
        bridge.close()
        broker.kill()


def test_shared_connection_serves_many_devices(bridge, link):
    devices = [Device("camera", f"c{n}", "s") for n in range(20)]
    one = link(*devices)
    for device in devices:
        device.say("capture", events.capture(
            device.name, "云A12345", "yellow", "in",
            [("head", jpeg.make())]))
    assert one.wait_settled(10)
    assert all(device.stored == 1 for device in devices)
    assert {topic for topic, _ in bridge.heard} == {
        f"sampan/v1/s/camera/c{n}/capture" for n in range(20)}


def test_status_is_retained_and_the_will_takes_it_back(broker, bridge):
    heard = collections.deque()
    bridge.client.message_callback_add(
        "sampan/v1/s/weighbridge/scale-9/status",
        lambda c, u, m: heard.append(json.loads(m.payload)["online"]))
    process = subprocess.Popen(
        [PYTHON, str(HERE / "devices.py"), "weighbridge", "--port",
         str(broker.port), "--site", "s", "--id", "scale-9"])
    wait(lambda: list(heard) == [True])
    process.kill()
    process.wait()
    wait(lambda: list(heard) == [True, False])


# --- the outbox file -------------------------------------------------------------

def test_outbox_keeps_what_was_not_settled(tmp_path):
    path = str(tmp_path / "out.jsonl")
    box = Outbox(path)
    for number in range(5):
        box.add(f"e{number}", "t", "payload 云")
    box.settle("e1")
    assert not box.settle("e1")
    again = Outbox(path)  # as after a kill: the first was never closed
    assert list(again.entries) == ["e0", "e2", "e3", "e4"]
    assert again.entries["e0"].payload == "payload 云"


def test_outbox_passes_over_a_torn_line(tmp_path):
    path = tmp_path / "out.jsonl"
    Outbox(str(path)).add("e0", "t", "p")
    path.write_text(path.read_text() + '{"keep": "e1", "to')
    assert list(Outbox(str(path)).entries) == ["e0"]


def test_outbox_grows_no_further_than_what_it_keeps(tmp_path):
    path = tmp_path / "out.jsonl"
    box = Outbox(str(path))
    for number in range(5000):
        box.add(f"e{number}", "t", "p" * 100)
        box.settle(f"e{number}")
    assert path.stat().st_size < 400_000
    box.close()
    assert path.read_text() == ""


def test_killed_device_sends_what_it_kept_when_it_starts_again(
        broker, bridge, tmp_path):
    bridge.answers = False
    words = ["weighbridge", "--port", str(broker.port), "--site", "s",
             "--outbox", str(tmp_path), "--rate", "100"]
    process = subprocess.Popen([PYTHON, str(HERE / "devices.py"), *words])
    wait(lambda: len(bridge.ids()) >= 10)
    process.kill()
    process.wait()
    kept = set(Outbox(str(
        tmp_path / "weighbridge-scale-1.jsonl")).entries)
    bridge.answer_all()
    books = run(broker, "weighbridge", "--outbox", tmp_path, "--count", 1)
    assert books["carried"] == len(kept) >= 10
    assert books["stored"] == books["published"] == len(kept) + 1
    assert kept <= set(bridge.ids())


# --- the programs -------------------------------------------------------------------

def test_gate_passes_vehicles_through_its_lanes(broker, bridge, tmp_path):
    rows = ledger.make(5, seed=3)
    with open(tmp_path / "ledger.csv", "w", encoding="utf-8") as file:
        ledger.write(rows, file)
    books = run(broker, "gate", "--count", 10, "--rate", 20, "--seed", 1,
                "--ledger", tmp_path / "ledger.csv", "--picture-kb", 5,
                "--log", tmp_path / "log")
    assert books["passages"] == 10
    assert books["published"] == books["stored"] == 30
    assert set(books["devices"]) == {
        "camera/cam-in-head", "camera/cam-in-body", "weighbridge/scale-in",
        "camera/cam-out-head", "camera/cam-out-body",
        "weighbridge/scale-out"}
    log = [json.loads(line) for line in (tmp_path / "log").open()]
    heard = {event["event_id"]: event for _, event in bridge.heard
             if "event_id" in event}
    for passage in log:
        head = heard[passage["events"]["head"]]
        body = heard[passage["events"]["body"]]
        weight = heard[passage["events"]["weight"]]
        assert head["plate"] == body["plate"] == passage["plate"]
        assert head["time"] <= body["time"] <= weight["time"]
        assert weight["gross"] == passage["gross_kg"]
    assert [p["direction"] for p in sorted(log, key=lambda p: p["time"])] \
        == ["in", "out"] * 5


def test_passages_of_one_lane_do_not_overlap(broker, bridge, tmp_path):
    run(broker, "gate", "--count", 8, "--rate", 8, "--lane",
        "a=in:h,b,s", "--log", tmp_path / "log")
    kinds = [topic.rpartition("/")[0][-1] for topic, event in bridge.heard
             if "event_id" in event]
    assert len(kinds) == 24
    assert all(sorted(kinds[at:at + 3]) == ["b", "h", "s"]
               for at in range(0, 24, 3))


def test_camera_pictures_are_jpegs_of_the_size_asked(broker, bridge):
    books = run(broker, "camera", "--count", 2, "--rate", 50,
                "--picture-kb", 100, "--mqtt", 3)
    assert books["stored"] == 2
    for _, event in bridge.heard:
        if "pictures" in event:
            picture = base64.b64decode(event["pictures"][0]["jpeg"])
            assert len(picture) == 100_000
            assert picture[:2] == b"\xff\xd8" and picture[-2:] == b"\xff\xd9"


def test_meter_remembers_the_marks_since_yesterday(broker, bridge):
    books = run(broker, "meter", "--count", 1)
    readings = [event for topic, event in bridge.heard
                if topic.endswith("/reading")]
    assert books["stored"] == len(readings) >= 97
    assert readings[0]["time"][10:] == "T00:00:00.000+08:00"
    assert all(reading["time"][14:16] in ("00", "15", "30", "45")
               for reading in readings[:-1])
    values = [reading["registers"]["import_kwh"]["value"]
              for reading in readings]
    assert values == sorted(values)
    assert values[4] - values[0] == pytest.approx(100)  # 100 kW for an hour


def test_records_are_handed_in(broker, bridge):
    books = run(broker, "record", "--destination", "yunnan", "--interface",
                "vehicleInfo", "--record", '{"vehicleId": "{n}"}',
                "--count", 3, "--rate", 100)
    assert books["stored"] == 3
    assert [(topic, event["record"]) for topic, event in bridge.heard] == [
        ("sampan/v1/s/up/yunnan/vehicleInfo", {"vehicleId": str(n)})
        for n in range(3)]


def test_flood_counts_pubacks(broker, bridge):
    books = run(broker, "flood", "--topic", "line/1", "--count", 500,
                "--size", 300, "--prefix", "p")
    assert books["published"] == books["acknowledged"] == 500
    wait(lambda: len(bridge.heard) == 500)
    assert {event["id"] for _, event in bridge.heard} == {
        f"p-{n}" for n in range(500)}
    assert len(json.dumps(bridge.heard[0][1])) == 300


def test_sigterm_ends_with_the_books(broker, bridge):
    process = subprocess.Popen(
        [PYTHON, str(HERE / "devices.py"), "camera", "--port",
         str(broker.port), "--site", "s", "--rate", "50"],
        stdout=subprocess.PIPE, text=True)
    wait(lambda: len(bridge.ids()) >= 5)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=10)
    books = json.loads(out)
    assert process.returncode == 0
    assert books["published"] == books["stored"] >= 5


def test_ledger_has_valid_numbers():
    rows = ledger.make(500, seed=7)
    assert len({row["plate"] for row in rows}) == 500
    for row in rows:
        assert row["vin"][8] == ledger.vin_check(row["vin"])
        assert len(row["vehicleId"]) == 27 and 10 < float(row["tare_t"]) < 20
        wanted = 8 if row["color"] in ("green", "yellow_green") else 7
        assert len(row["plate"]) == wanted


def test_vin_check_is_that_of_the_standard():
    # the worked example of ISO 3779 texts, and the one of all ones
    assert ledger.vin_check("1M8GDM9AXKP042788") == "X"
    assert ledger.vin_check("11111111111111111") == "1"


@pytest.mark.parametrize("schema,event", [
    ("capture", events.capture("c", "云A12345", "yellow", "in",
                               [("head", jpeg.make(2))])),
    ("capture", events.capture("c", "", "other", "out", [])),
    ("weight", events.weight("s", 23400)),
    ("weight", events.weight("s", 23400, "云A12345")),
    ("reading", events.reading("m", {"import_kwh": (1234.5, "kWh")})),
    ("record", events.record("erp", {"vehicleId": "1"}))])
def test_payloads_follow_the_published_schemas(schema, event):
    jsonschema = pytest.importorskip("jsonschema")
    path = HERE.parent.parent / "docs/schema" / f"{schema}.json"
    jsonschema.Draft202012Validator(json.loads(
        path.read_text(encoding="utf-8"))).validate(event)


@pytest.mark.parametrize("words", [
    ["--lane", "x"], ["--rate", "0"], ["--ledger", "/nonexistent"]])
def test_wrong_gate_does_not_start(broker, words):
    assert run(broker, "gate", *words, "--count", 1, code=1)
