"""From the gate to the platforms: cameras, scale, ledger, two authorities."""
import base64
import hashlib

import pytest
from harness import ENTERPRISE, VIN, china, jpeg, picture

HENAN = "4110020001"
LEDGER = ("plate,color,vehicleId,vin,tare_t\n"
          f"云A12345,yellow,{ENTERPRISE}00001,{VIN},15.0\n"
          f"云B54321,blue,{ENTERPRISE}00002,{VIN},8.25\n")
LANE = {"name": "east-in", "entrance": "A", "gate": "A01", "direction": "in",
        "head_camera": "camera-1", "body_camera": "camera-2",
        "weighbridge": "scale-1", "weighing": "lane", "cargo_type": "铁矿石",
        "deadline_s": 5, "destinations": ["gate-yn", "gate-hn"]}


@pytest.fixture
def gate(site):
    class Gate:
        yunnan = site.start_standin("yunnan")
        henan = site.start_standin("henan")

        def capture(self, camera, ident, seed, **other):
            self.device(camera).say(
                f"{site.top}/camera/{camera}/capture",
                {"event_id": ident, "time": china(), "plate": "云A12345",
                 "color": "yellow", "pictures": [
                     picture("head" if camera == "camera-1" else "body",
                             40000, seed)], **other})

        def weigh(self, ident, gross, **other):
            self.device("scale-1").say(
                f"{site.top}/weighbridge/scale-1/weight",
                {"event_id": ident, "time": china(), "gross": gross,
                 "unit": "kg", "stable": True, **other})

        def device(self, name):
            if name not in self.devices:
                self.devices[name] = site.speaker(name)
            return self.devices[name]

        def records(self, platform, interface):
            return [one["record"] for one in platform.control(
                f"records?interface={interface}")]

    gate = Gate()
    gate.devices = {}
    for name, kind in (("camera-1", "camera"), ("camera-2", "camera"),
                       ("scale-1", "weighbridge")):
        site.accounts("add", "device", name, kind)
    site.reload_accounts()
    secret = site.write_secret("henan", "123")
    site.settings(
        site.yunnan("gate-yn", gate.yunnan,
                    uplink={"resend_after_s": [1, 2, 3]}),
        {"name": "gate-hn", "platform": "henan",
         "base_url": gate.henan.url + "/ysgk",
         "uplink": {"resend_after_s": [1, 2, 3]},
         "henan": {"organ": HENAN, "username": "test",
                   "password_file": secret, "company_number": HENAN,
                   "company_name": "示例钢铁有限责任公司"}}, lanes=[LANE])
    site.start_bridge()
    ledger = site.folder / "ledger.csv"
    ledger.write_text(LEDGER, encoding="utf-8")
    assert "accepted: 2" in site.ctl("import", ledger).stdout
    return gate


def told(text):
    """The stand-in's short form of a picture."""
    uri = "data:image/jpeg;base64," + text
    return hashlib.sha256(uri.encode()).hexdigest()


def no_mistakes(*platforms):
    for platform in platforms:
        totals = platform.stats()["totals"]
        assert totals["invalid"] == 0 and totals["out_of_order"] == 0, \
            platform.stats()["examples"]


def test_two_cameras_and_a_scale_make_one_passage(site, gate):
    gate.capture("camera-1", "c1", 1)
    gate.capture("camera-2", "c2", 2, plate="", color="other")
    gate.weigh("w1", 45500)
    site.until(lambda: site.sums("gate-yn")["delivered"] == 1
               and site.sums("gate-hn")["delivered"] == 4, 25, "both are told")
    record, = gate.records(gate.yunnan, "vehicleAccess")
    assert record["licensePlate"] == "云A12345" and record["plateColor"] == "1"
    assert record["vehicleId"] == ENTERPRISE + "00001"
    assert record["vin"] == VIN and record["accessType"] == "0"
    assert float(record["cargoWeight"]) == 30.5
    assert record["cargoType"] == "铁矿石" and record["gateId"] == "A01"
    for name, seed in (("carHeadImg", 1), ("carImg", 2)):
        assert told(base64.b64encode(jpeg(40000, seed)).decode()) in \
            record[name], name
    driving, = gate.records(gate.henan, "shareDrivingRecord")
    assert driving["cphm"] == "云A12345" and driving["tgzt"] == "1"
    photos = gate.records(gate.henan, "sharePhotoInfo")
    assert {photo["zpbh"]: photo["file"] for photo in photos} == {
        str(seed): hashlib.sha256(jpeg(40000, seed)).hexdigest()
        for seed in (1, 2)}
    goods, = gate.records(gate.henan, "shareGoodsRecord")
    assert float(goods["ysl"]) == 30.5
    assert {driving["lsh"], goods["lsh"], *(p["lsh"] for p in photos)} == \
        {driving["lsh"]}
    no_mistakes(gate.yunnan, gate.henan)
    events = {row["kind"]: row for row in site.check_books()["events"]}
    assert events["camera/capture"]["used"] == 2
    assert events["weighbridge/weight"]["used"] == 1


def test_photos_wait_for_their_driving_record(site, gate):
    """The driving record is busy at first; the next vehicle's is not."""
    gate.henan.fault("http_status", interface="shareDrivingRecord",
                     first_attempts=2)
    gate.capture("camera-1", "c1", 1)
    gate.capture("camera-2", "c2", 2)
    gate.weigh("w1", 45500)
    site.until(lambda: site.sums("gate-hn")["delivered"] == 4, 25, "all four")
    no_mistakes(gate.henan)
    attempts = gate.henan.stats()["interfaces"]
    assert attempts["shareDrivingRecord"]["attempts"] == {"3": 1}
    assert attempts["sharePhotoInfo"]["attempts"] == {"1": 2}


def test_absent_weight_holds_until_an_operator_says_it(site, gate):
    gate.capture("camera-1", "c1", 1)
    gate.capture("camera-2", "c2", 2)
    held = site.until(lambda: site.deliveries(
        destination="gate-yn", state="held"), 20, "the deadline")[0]
    assert "cargoWeight" in held["reason"]
    assert held["plate"] == "云A12345"
    site.ctl("complete", held["entry"], "cargoWeight=12.5")
    site.until(lambda: site.sums("gate-yn")["delivered"] == 1, 15, "it is told")
    record, = gate.records(gate.yunnan, "vehicleAccess")
    assert float(record["cargoWeight"]) == 12.5
    assert record["recordId"] == held["number"]
    no_mistakes(gate.yunnan)


def test_late_picture_completes_what_is_held_for_it(site, gate):
    """A camera that was offline sends what it kept: its own time, late."""
    then = china()
    gate.capture("camera-1", "c1", 1, time=then)
    gate.weigh("w1", 45500, time=then)
    held = site.until(lambda: site.deliveries(
        destination="gate-yn", state="held"), 20, "the deadline")[0]
    assert "carImg" in held["reason"]
    gate.capture("camera-2", "c2", 2, time=then)
    site.until(lambda: site.sums("gate-yn")["delivered"] == 1, 15, "it is told")
    record, = gate.records(gate.yunnan, "vehicleAccess")
    assert record["recordId"] == held["number"]
    no_mistakes(gate.yunnan, gate.henan)


def test_joining_goes_on_after_a_kill(site, gate):
    """Half a passage is stored; the other half comes after the crash."""
    gate.capture("camera-1", "c1", 1)
    site.until(lambda: site.sums()["made"] == 0 and any(
        row["joining"] for row in site.ask("stats")["events"]), 10, "half")
    site.kill_bridge()
    gate.capture("camera-2", "c2", 2)
    gate.weigh("w1", 45500)
    site.start_bridge()
    site.until(lambda: site.sums("gate-yn")["delivered"] == 1
               and site.sums("gate-hn")["delivered"] == 4, 25, "both are told")
    no_mistakes(gate.yunnan, gate.henan)
    assert len(gate.records(gate.yunnan, "vehicleAccess")) == 1


def test_sick_platform_keeps_no_vehicle_from_the_other(site, gate):
    gate.henan.fault("down")
    for number in range(3):
        plate = "云A%05d" % number
        gate.capture("camera-1", f"h{number}", 1, plate=plate)
        gate.capture("camera-2", f"b{number}", 2, plate=plate)
        gate.weigh(f"w{number}", 40000 + number * 1000)
        site.until(lambda n=number: site.sums("gate-yn")["made"] == n + 1, 10,
                   "the next passage")
    held = site.deliveries(destination="gate-yn", state="held")
    assert len(held) == 3, "not in the ledger: no vehicle number, no tare"
    site.until(lambda: site.sums("gate-hn")["waiting"] > 0, 10, "henan waits")
    gate.henan.control("up", {})
    site.until(lambda: site.sums("gate-hn")["waiting"] == 0, 40, "and is told")
    no_mistakes(gate.henan)
