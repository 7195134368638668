"""Adapters, bridge and platform together: from a push and a serial line to an
accepted upload, whoever is killed and whatever is full in between."""
import itertools
import os
import random
import threading
import time

import pytest
from field import (CAMERA, METER, QUICK, SCALE, STABLE, cameras, digest,
                   meters, wire, write_ledger)
from harness import ENTERPRISE, wait_until

HERE = ["127.0.0.1"]
LANE = {"name": "east-in", "entrance": "A", "gate": "A01", "direction": "in",
        "head_camera": "cam-head", "body_camera": "cam-body",
        "cargo_type": "铁矿石", "deadline_s": 5, "destinations": ["gate-yn"]}


@pytest.fixture
def gate(site, field):
    """A lane of two VZ cameras, and Yunnan's stand-in."""
    class Gate:
        platform = site.start_standin("yunnan")

        def settle(self, vehicles, **lane):
            field.furnish(CAMERA, ["cam-head", "cam-body"],
                          field.camera_settings(*(
                              (f"cam-{part}", "vz", part, {
                                  "address": HERE,
                                  "identity": f"vz-cam-{part}"})
                              for part in ("head", "body"))))
            self.write_settings(**lane)
            site.start_bridge()
            write_ledger(site, vehicles)

        def write_settings(self, store=None, **lane):
            other = {"store": store} if store else {}
            site.settings(site.yunnan("gate-yn", self.platform, uplink={
                "resend_after_s": [1, 2, 3]}), lanes=[{**LANE, **lane}],
                **other)

        def accepted(self):
            account = self.platform.stats()["interfaces"].get("vehicleAccess")
            return account["accepted"] if account else 0

        def records(self):
            return [one["record"] for one in self.platform.control(
                "records?interface=vehicleAccess")]

        def check(self):
            totals = self.platform.stats()["totals"]
            assert totals["invalid"] == 0, self.platform.stats()["examples"]

    return Gate()


def told(jpeg):
    """The stand-in's short form of a picture."""
    return digest(b"data:image/jpeg;base64," + cameras.camera.encoded(
        jpeg).encode())


# ---- (a) the whole way

def test_push_and_truck_become_one_vehicle_access(site, field, gate):
    """A VZ and a Hikvision camera push, a truck drives onto a scale on a
    serial line, the ledger knows its tare: one record, with their pictures."""
    field.furnish(CAMERA, ["cam-head", "cam-body"], field.camera_settings(
        ("cam-head", "vz", "head", {"address": HERE,
                                    "identity": "vz-cam-head"}),
        ("cam-body", "hikvision", "body", {"address": HERE})))
    field.furnish(SCALE, ["scale-1"], {"scales": [
        {"id": "scale-1", "model": "yaohua-a9-continuous",
         "port": str(field.path("scale")), **STABLE}]})
    gate.write_settings(weighing="lane", weighbridge="scale-1", deadline_s=20)
    site.start_bridge()
    write_ledger(site, 3)
    scale = field.scale("a9", wire.Pty(str(field.path("scale"))), QUICK)
    field.start(CAMERA)
    field.start(SCALE)
    scene, cutout = cameras.pictures(60, "head")
    load, _ = cameras.pictures(60, "body")
    field.camera("vz", "cam-head").see("云A10001", "yellow", "in", scene,
                                       cutout)
    field.camera("hikvision", "cam-body").see("云A10001", "yellow", "in", load)
    driver = field.driver(scale, [45500])
    site.until(lambda: gate.accepted() == 1, 30, "the record is accepted")
    record, = gate.records()
    assert record["licensePlate"] == "云A10001" and record["plateColor"] == "1"
    assert record["vehicleId"] == ENTERPRISE + "00001"
    assert float(record["cargoWeight"]) == 30.5
    assert told(scene) in record["carHeadImg"]
    assert told(load) in record["carImg"]
    driver.join(10)
    gate.check()
    events = {row["kind"]: row for row in site.check_books()["events"]}
    assert events["camera/capture"]["used"] == 2
    assert events["weighbridge/weight"]["used"] == 1


# ---- (b) kills

class Traffic(threading.Thread):
    """Vehicles with plates of their own; both cameras see each."""

    def __init__(self, field, count, every_s, picture_kb=30):
        super().__init__(daemon=True)
        self.head = field.camera("vz", "cam-head")
        self.body = field.camera("vz", "cam-body")
        self.field, self.count, self.every_s = field, count, every_s
        self.picture_kb = picture_kb

    def run(self):
        for number in range(self.count):
            plate = f"云A{10000 + number}"
            for one in (self.head, self.body):
                one.see(plate, "yellow", "in", *cameras.pictures(
                    self.picture_kb, f"{plate} {one.camera}"))
            if self.field.stopping.wait(self.every_s):
                return


def quicken(monkeypatch):
    """Cameras that lose patience soon, so that a test sees it."""
    monkeypatch.setattr(cameras, "RETRY_S", 0.3)
    monkeypatch.setattr(cameras, "HEARTBEAT_S", 0.5)


def kill_all(site, field, rounds):
    """Each program in turn, at any moment, and again."""
    def broker():
        site.broker.kill()
        site.start_broker()

    def bridge():
        site.kill_bridge()
        site.start_bridge(ready=False)

    def adapter(kind):
        field.kill(kind)
        field.start(kind)

    ways = [lambda: adapter(CAMERA), broker, lambda: adapter(SCALE), bridge,
            lambda: adapter(METER)]
    for way in itertools.islice(itertools.cycle(ways), rounds * len(ways)):
        time.sleep(random.uniform(0.2, 1.5))
        way()


def kill_rounds(site, field, gate, monkeypatch, rounds, vehicles):
    quicken(monkeypatch)
    # The scale's trucks are no vehicles of the lane: their weights are kept
    # and shown, and end in receipts all the same.
    gate.settle(vehicles, weighing="none", default_weight=12.5)
    field.furnish(SCALE, ["scale-1"], {"scales": [
        {"id": "scale-1", "model": "yaohua-a9-continuous",
         "port": str(field.path("scale")), **STABLE}]})
    field.furnish(METER, ["meter-1"], {"buses": [
        {"port": str(field.path("bus")), "meters": [
            {"id": "meter-1", "protocol": "dlt645-2007",
             "address": "000000000161", "every_minutes": 1}]}]})
    scale = field.scale("a9", wire.Pty(str(field.path("scale"))), QUICK)
    field.bus(wire.Pty(str(field.path("bus"))), meters.Meter645(
        "000000000161"))
    for kind in (CAMERA, SCALE, METER):
        field.start(kind)
    weights = [20000 + 400 * number for number in range(100)]
    enough = threading.Event()
    driver = field.driver(scale, weights, enough)
    traffic = Traffic(field, vehicles, 0.2)
    traffic.start()
    kill_all(site, field, rounds)
    traffic.join(120)
    site.until(field.settled, 120, "every passage is answered")
    enough.set()
    driver.join(20)

    said = {one.camera: len(one.made) for one in field.cameras.values()}
    assert said == {"cam-head": vehicles, "cam-body": vehicles}
    site.until(lambda: gate.accepted() >= vehicles, 90,
               "every vehicle at the platform")
    assert gate.accepted() == vehicles, "one record a vehicle"
    plates = {row["plate"] for row in site.deliveries(state="delivered")}
    assert plates == {f"云A{10000 + number}" for number in range(vehicles)}
    gate.check()

    def rows():
        return {row["kind"]: row for row in site.ask("stats")["events"]}

    def fresh(kind):
        row = rows().get(kind, {"received": 0, "repeats": 0})
        return row["received"] - row["repeats"]

    seen = sum(visit.heard for visit in driver.visits)
    site.until(lambda: fresh("weighbridge/weight") >= seen, 30,
               "every truck that was seen")
    assert fresh("weighbridge/weight") <= len(driver.visits), "none twice"
    site.until(lambda: fresh("meter/reading") >= 1, 30, "a reading")
    assert fresh("camera/capture") == 2 * vehicles
    site.check_books()
    resent = sum(made.sendings - 1 for one in field.cameras.values()
                 for made in one.made)
    print(f"{2 * vehicles} captures, {resent} resent by cameras, {seen} trucks"
          f" seen of {len(driver.visits)}, {rounds} kills of each program")


def test_kills_lose_no_answered_passage(site, field, gate, monkeypatch):
    kill_rounds(site, field, gate, monkeypatch, 2, 60)


@pytest.mark.long
def test_many_kills_lose_no_answered_passage(site, field, gate, monkeypatch):
    kill_rounds(site, field, gate, monkeypatch, 40, 1000)


def test_answers_stand_while_neither_broker_nor_bridge_is_there(
        site, field, gate):
    """200 says it is on the adapter's disk, and nothing else is needed."""
    gate.settle(10, weighing="none", default_weight=12.5)
    site.stop_bridge()
    site.broker.kill()
    field.start(CAMERA)
    traffic = Traffic(field, 10, 0.01)
    traffic.start()
    wait_until(lambda: not traffic.is_alive() and field.settled(), 30,
               "they are answered")
    assert all(made.sendings == 1 for one in field.cameras.values()
               for made in one.made)
    field.kill(CAMERA)
    site.start_broker()
    site.start_bridge()
    field.start(CAMERA)
    site.until(lambda: gate.accepted() == 10, 60, "all at the platform")
    gate.check()


# ---- (c) full

def kept(field):
    """Bytes of the camera adapter's outbox."""
    folder = field.site.folder / f"outbox-{CAMERA}"
    return sum(file.stat().st_size for file in folder.rglob("*")
               if file.is_file())


def test_adapters_hold_while_the_bridge_is_full_and_drain_then(
        site, field, gate):
    small = {"quota_mb": 64, "reserve_mb": 16, "when_full": "stop"}
    gate.write_settings(store=small)
    gate.settle(120, store=small, weighing="none", default_weight=12.5)
    gate.platform.fault("down")
    field.start(CAMERA)
    traffic = Traffic(field, 120, 0.05, picture_kb=300)
    traffic.start()
    site.until(lambda: site.state()["full"], 60, "the store is full")
    wait_until(lambda: not traffic.is_alive() and field.settled(), 60,
               "the adapter goes on answering")
    before = site.ask("stats")["events"][0]["received"]
    time.sleep(2)
    assert site.ask("stats")["events"][0]["received"] == before, \
        "the adapter holds"
    assert before < 240
    site.stop_bridge()
    gate.write_settings(store={**small, "quota_mb": 1024}, weighing="none",
                        default_weight=12.5)
    gate.platform.control("up", {})
    site.start_bridge()
    site.until(lambda: gate.accepted() == 120, 120, "everything")
    site.until(lambda: not site.state()["full"], 10, "not full any more")
    gate.check()
    site.check_books()


def test_full_outbox_is_not_answered_and_the_camera_keeps(
        site, field, gate, monkeypatch):
    """No room, no 200: what the cameras keep comes when there is room."""
    quicken(monkeypatch)
    gate.settle(60, weighing="none", default_weight=12.5)
    field.write(CAMERA, outbox={"quota_mb": 16})
    site.stop_bridge()
    field.start(CAMERA)
    traffic = Traffic(field, 60, 0.05, picture_kb=300)
    traffic.start()
    wait_until(lambda: not traffic.is_alive() and sum(
        made.history for one in field.cameras.values()
        for made in one.made) > 0, 60, "cameras that had to keep passages")
    assert not field.settled()
    assert kept(field) < 40 << 20
    site.start_bridge()
    site.until(field.settled, 120, "every passage is answered")
    site.until(lambda: gate.accepted() == 60, 60, "all at the platform")
    assert site.sums("gate-yn")["made"] == 60
    gate.check()
