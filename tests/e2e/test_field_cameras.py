"""Plate cameras over every transport they are met on: a simulated one,
sampan-camera, and the capture that reaches the bridge.  docs/devices/README.md
names these tests."""
import base64

import pytest
from field import CAMERA, Tap, cameras, start_bridge
from stack import wait_until

HERE = ["127.0.0.1"]


def check_captures(tap, one, name, pictures):
    """What the camera saw is what the bridge heard, each passage once."""
    heard = {event["plate"]: event for event in tap.of(name)}
    assert set(heard) == {made.passage.plate for made in one.made}
    for made in one.made:
        event, passage = heard[made.passage.plate], made.passage
        assert event["color"] == passage.color
        jpegs = [base64.b64decode(told["jpeg"]) for told in event["pictures"]]
        wanted = {"scene": passage.scene, "plate": passage.cutout}
        assert sorted(jpegs) == sorted(wanted[part] for part in pictures)


def see(one, *plates):
    for plate, color in plates:
        one.see(plate, color, "in", *cameras.pictures(20, plate))


PLATES = (("云A12345", "yellow"), ("云B54321", "blue"),
          ("云AD12345", "green"))


@pytest.mark.parametrize("maker,options,more", [
    ("vz", {}, {"identity": "vz-c1"}),
    ("hikvision", {}, {}),
    ("dahua", {"user": "admin", "password": "secret"},
     {"username": "admin"}),
    ("dahua", {}, {"identity": "dahua-c1"}),
])
def test_camera_pushes_over_http(site, field, maker, options, more):
    if "username" in more:
        more = {**more, "password_file": site.write_secret("camera", "secret")}
    field.furnish(CAMERA, ["c1"], field.camera_settings(
        ("c1", maker, "scene", {"address": HERE, **more})))
    start_bridge(site)
    tap = Tap(site, "camera", "capture")
    field.start(CAMERA)
    one = field.camera(maker, "c1", faults=cameras.HttpFaults(
        torn=0.3, duplicate=0.3, seed=1), **options)
    see(one, *PLATES)
    wait_until(field.settled, 20, "they are answered")
    wait_until(lambda: len(tap.of("c1")) >= 3, 20, "the bridge heard them")
    check_captures(tap, one, "c1", ("scene", "plate"))
    assert one.books()["answered"] == 3


def test_late_pictures_are_an_edition_of_the_same_event(site, field):
    field.furnish(CAMERA, ["c1"], field.camera_settings(
        ("c1", "dahua", "scene", {"address": HERE})))
    start_bridge(site)
    tap = Tap(site, "camera", "capture")
    field.start(CAMERA)
    one = field.camera("dahua", "c1", late_pictures=True)
    see(one, PLATES[0])
    wait_until(lambda: len(tap.of("c1")) == 2, 20, "both editions")
    bare, whole = sorted(tap.of("c1"), key=lambda e: e.get("revision", 0))
    assert bare["event_id"] == whole["event_id"]
    assert bare["time"] == whole["time"]
    assert not bare.get("pictures") and len(whole["pictures"]) == 2


def test_vehicle_without_a_plate_is_a_passage(site, field):
    field.furnish(CAMERA, ["c1", "c2"], field.camera_settings(
        ("c1", "vz", "scene", {"address": HERE, "identity": "vz-c1"}),
        ("c2", "hikvision", "scene", {"address": HERE})))
    start_bridge(site)
    tap = Tap(site, "camera", "capture")
    field.start(CAMERA)
    for maker, name in (("vz", "c1"), ("hikvision", "c2")):
        field.camera(maker, name).see("", "other", "in",
                                      *cameras.pictures(5, name))
    wait_until(lambda: tap.of("c1") and tap.of("c2"), 20, "both")
    assert not tap.of("c1")[0].get("plate")
    assert not tap.of("c2")[0].get("plate")


def test_camera_uploads_into_a_folder(site, field):
    folder = site.folder / "uploads"
    field.furnish(CAMERA, ["c1"], {
        "upload": {"settle_s": 1, "join_s": 0, "scan_s": 1},
        "cameras": [{"id": "c1", "maker": "files", "folder": str(folder),
                     "files": [{"pattern": "{plate}_{color}_"
                                "{time:%Y%m%d%H%M%S%3}_{*}.jpg"}]}]})
    folder.mkdir()
    start_bridge(site)
    tap = Tap(site, "camera", "capture")
    field.start(CAMERA)
    one = field.camera("folder", "c1", str(folder), faults=cameras.HttpFaults(
        torn=0.5, pause_s=0.2, seed=1))
    see(one, *PLATES)
    wait_until(lambda: len(tap.of("c1")) >= 3, 30, "the bridge heard them")
    check_captures(tap, one, "c1", ("scene",))
    wait_until(lambda: not list(folder.glob("*.jpg")), 10, "they are removed")


def test_camera_pushes_over_mqtt(site, field):
    field.furnish(CAMERA, ["c1"], {
        "mqtt_push": {"enabled": True},
        "cameras": [{"id": "c1", "maker": "vz", "identity": "vz-c1"}]})
    site.accounts("add", "sender", "vz", "vz-c1/device/message/up/#")
    site.accounts("hear", "cameras", "vz-c1/device/message/up/#")
    site.reload_accounts()
    start_bridge(site)
    tap = Tap(site, "camera", "capture")
    field.start(CAMERA)
    wait_until(lambda: "push_linked" in site.log_of(CAMERA).read_text(), 10,
               "it listens")
    one = field.camera("vz-mqtt", "c1", f"mqtt://127.0.0.1:{site.broker_port}",
                       user="vz", password=site.password("vz"))
    see(one, *PLATES)
    wait_until(lambda: len({event["plate"] for event in tap.of("c1")
                            if event.get("pictures")}) == 3, 20,
               "the bridge heard them")
    whole = [event for event in tap.of("c1") if event.get("pictures")]
    assert {event["plate"] for event in whole} == {
        plate for plate, _ in PLATES}
    ids = {event["event_id"] for event in tap.of("c1")}
    assert len(ids) == 3, "the quick result is the same event"


def test_strangers_are_refused(site, field):
    field.furnish(CAMERA, ["c1"], field.camera_settings(
        ("c1", "vz", "scene", {"address": ["192.0.2.1"]})))
    start_bridge(site)
    tap = Tap(site, "camera", "capture")
    field.start(CAMERA)
    one = field.camera("vz", "c1")
    see(one, PLATES[0])
    wait_until(lambda: sum(one.answers.values()) >= 1, 20, "an answer")
    assert "200" not in one.answers
    assert not tap.of("c1")
