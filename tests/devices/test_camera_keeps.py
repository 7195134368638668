"""sampan-camera loses nothing, killed, full or cut off; uploads, pushes over
MQTT, and what it tells of itself."""

import base64
import datetime
import json
import os
import pathlib
import random
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from camera_site import (  # noqa: E402, F401
    CUTOUT, SCENE, build, check_common, digests, found, passage, site)
from simulated import cameras, jpeg  # noqa: E402
from simulated.frames import camera as frames  # noqa: E402
from simulated.frames.camera import CHINA  # noqa: E402


# ---- full, killed, cut off

def test_full_outbox_is_503_until_there_is_room(site):
    site.receiver.answers = False
    site.settings(site.camera("north", "vz"),
                  outbox={"folder": str(site.folder / "outbox"),
                          "quota_mb": 16})
    site.start_camera()
    large = jpeg.make(900)
    kept = []
    for number in range(40):
        seen = passage(number, scene=large)
        code, body, _ = site.post("/vz", frames.vz(seen, "fe71"))
        if code != 200:
            break
        kept.append(number)
    assert code == 503 and 5 < len(kept) < 20
    assert not frames.decode_vz_reply(body)["stops_resend"]
    assert site.lines("not_stored")
    # Heartbeats are answered all the same.
    assert site.post("/vz", frames.vz_heartbeat("fe71"))[0] == 200
    site.receiver.answer()
    site.until(lambda: site.post("/vz", frames.vz(seen, "fe71"))[0] == 200,
               20, "room")
    site.until(lambda: len(site.events()) == len(kept) + 1, 20, "all events")


def test_broker_that_is_away_loses_nothing(site):
    site.settings(site.camera("north", "vz"))
    site.start_camera()
    assert site.post("/vz", frames.vz(passage(0), "fe71"))[0] == 200
    site.until(lambda: len(site.events()) == 1, 15, "the first")
    site.broker.kill()
    for number in range(1, 6):
        assert site.post("/vz", frames.vz(passage(number), "fe71"))[0] == 200
    site.start_broker()
    site.until(lambda: len(site.events()) == 6, 30, "the others")


def test_nothing_that_was_answered_is_lost_to_kills(site):
    """Cameras that push without a pause, and the program killed beneath
    them: between two bytes, between the commit and the answer, anywhere."""
    site.settings(site.camera("north", "vz"), site.camera("east", "dahua"),
                  site.camera("south", "hikvision"))
    site.start_camera()
    stopping = threading.Event()
    url = f"http://127.0.0.1:{site.port}"
    kinds = [cameras.make(kind, name, url, stopping) for kind, name in
             (("vz", "north"), ("dahua", "east"), ("hikvision", "south"))]
    for one in kinds:
        one.start()
    rng = random.Random(7)
    number = 0
    for _ in range(8):
        end = time.monotonic() + rng.uniform(0.3, 1.2)
        while time.monotonic() < end:
            for one in kinds:
                number += 1
                one.see("云B%05d" % number, "blue", scene=SCENE,
                        cutout=CUTOUT)
            time.sleep(0.02)
        site.kill_camera()
        site.start_camera()
    site.until(lambda: all(one.waiting.empty() for one in kinds), 60,
               "the cameras' queues")
    site.until(lambda: kinds[1].settled(), 30, "the last answers")
    answered = {told.passage.plate for one in kinds for told in one.made
                if told.answered}
    assert len(answered) > 50
    site.until(lambda: answered <= {event["plate"] for event in
                                    site.events().values()}, 60,
               "all that was answered")
    stopping.set()
    for one in kinds:
        one.join(15)
    # And each passage is one event, however often it came.
    by_plate = {}
    for key, event in site.events().items():
        by_plate.setdefault(event["plate"], set()).add((key[1],
                                                        event["time"]))
    doubled = {plate: ids for plate, ids in by_plate.items() if len(ids) > 1}
    assert not doubled


def test_cameras_with_bad_networks_tell_each_passage_once(site):
    site.settings(site.camera("north", "vz"), site.camera("east", "dahua"))
    site.start_camera()
    stopping = threading.Event()
    url = f"http://127.0.0.1:{site.port}"
    faults = {"torn": 0.3, "cut": 0.3, "duplicate": 0.3, "pause_s": 0.02}
    kinds = [
        cameras.make("vz", "north", url, stopping,
                     faults=cameras.HttpFaults(seed=1, **faults)),
        cameras.make("dahua", "east", url, stopping, late_pictures=True,
                     faults=cameras.HttpFaults(seed=2, **faults))]
    began = datetime.datetime.now(CHINA)
    for one in kinds:
        one.start()
        for number in range(6):
            one.see("云C%05d" % number, "green", scene=SCENE, cutout=CUTOUT,
                    moment=began + datetime.timedelta(seconds=number))
    site.until(lambda: all(one.settled() for one in kinds), 90, "the books")
    stopping.set()
    site.until(lambda: len({key[:2] for key in site.events()}) == 12, 20,
               "each once")
    assert len({key[:2] for key in site.events()}) == 12


# ---- to be looked at

def outbox(site, *words):
    done = subprocess.run(
        [site.program("sampan-camera"), "-c", site.folder / "camera.yaml",
         "--outbox", *words], capture_output=True, text=True, timeout=30,
        check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_what_is_kept_or_was_refused_can_be_looked_at(site):
    site.receiver.answers = False
    site.settings(site.camera("north", "vz"))
    assert outbox(site) == []
    site.start_camera()
    for number in (1, 2):
        seen = passage(number)
        assert site.post("/vz", frames.vz(seen, "fe71"))[0] == 200
    site.until(lambda: len(site.events()) == 2, 15, "both")
    first, second = outbox(site)
    assert {first["state"], second["state"]} == {"kept"}
    assert "content" not in first and "reason" not in first
    keys = list(site.events())
    for row in (first, second):
        event = site.events()["north", row["event_id"], row["revision"]]
        assert row["device"] == "north" and row["leaf"] == "capture"
        assert row["time"] == event["time"]
        assert row["bytes"] > len(SCENE)
    site.receiver.receipt(*keys[0], refused="no such lane")
    site.receiver.receipt(*keys[1])
    site.until(lambda: [row["state"] for row in outbox(site)] == ["rejected"],
               10, "the refused one")
    row, = outbox(site, "--content")
    assert row["event_id"] == keys[0][1] and row["reason"] == "no such lane"
    assert row["content"]["plate"] == "云A12345"
    assert base64.b64decode(row["content"]["pictures"][0]["jpeg"]) == SCENE


# ---- folders

def folder_settings(site, **other):
    (site.folder / "ftp").mkdir()
    return site.camera(
        "yard", "files", folder=str(site.folder / "ftp"), kind="head",
        files=[{"pattern": "{plate}_{color}_{time:%Y%m%d%H%M%S%3}_cut.jpg",
                "kind": "plate"},
               {"pattern": "{plate}_{color}_{time:%Y%m%d%H%M%S%3}.jpg"},
               {"pattern": "{plate}_{color}_{time:%Y%m%d%H%M%S%3}_{key}.jpg"}],
        **other)


QUICK = {"settle_s": 1, "join_s": 1, "scan_s": 1}


def names_of(folder):
    return sorted(os.listdir(folder))


def test_uploads_become_events_and_go(site):
    site.settings(folder_settings(site), upload=QUICK)
    site.start_camera()
    stopping = threading.Event()
    uploads = cameras.make("folder", "yard", str(site.folder / "ftp"),
                           stopping, chunk=4096, faults=cameras.HttpFaults(
                               torn=0.5, pause_s=0.05))
    uploads.start()
    for number in range(5):
        uploads.see("云D%05d" % number, "yellow", scene=SCENE)
    site.until(lambda: len(site.events()) == 5, 30, "five events")
    stopping.set()
    for key, event in site.events().items():
        assert event["color"] == "yellow"
        assert found(site, key) == (["head"], digests(SCENE))
    site.until(lambda: names_of(site.folder / "ftp") == [], 10,
               "the files' removal")


def test_name_in_gbk_and_files_of_one_passage(site):
    site.settings(folder_settings(site), upload=QUICK)
    site.start_camera()
    stem = "云A12345_黄_20261120083045250".encode("gbk")
    folder = os.fsencode(site.folder / "ftp")
    for name, content in ((stem + b".jpg", SCENE), (stem + b"_cut.jpg",
                                                     CUTOUT)):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)
    key, event = site.event("yard", 20)
    assert event["plate"] == "云A12345" and event["color"] == "yellow"
    assert event["time"] == "2026-11-20T08:30:45.250+08:00"
    assert sorted(zip(*found(site, key))) == sorted(
        zip(["head", "plate"], digests(SCENE, CUTOUT)))
    site.until(lambda: names_of(site.folder / "ftp") == [], 10, "removal")


def test_what_is_no_upload_goes_to_bad_and_links_are_refused(site):
    site.settings(folder_settings(site), upload=QUICK)
    site.start_camera()
    ftp = site.folder / "ftp"
    (ftp / "notes.txt").write_text("hello")
    (ftp / "云A1_黄_20261120083045250.jpg").symlink_to("/etc/passwd")
    os.mkfifo(ftp / "云A2_黄_20261120083045250.jpg")
    (ftp / "云A3_黄_20261120083045250.jpg").write_bytes(b"GIF89a\xff\xd9")
    (ftp / ".hidden").write_text("the server's own")
    site.until(lambda: len(names_of(ftp / "bad")) == 4
               if (ftp / "bad").exists() else False, 30, "four in bad/")
    assert names_of(ftp) == [".hidden", "bad"]
    assert not site.events()


def test_killed_folder_doubles_nothing(site):
    site.settings(folder_settings(site), upload=QUICK)
    ftp = site.folder / "ftp"
    rng = random.Random(3)
    plates = []
    for turn in range(6):
        site.start_camera()
        for number in range(4):
            plates.append("云E%03d%02d" % (turn, number))
            (ftp / f"{plates[-1]}_黄_20261120083045250.jpg").write_bytes(SCENE)
        time.sleep(rng.uniform(0.9, 1.6))
        site.kill_camera()
    site.start_camera()
    site.until(lambda: {event["plate"] for event in site.events().values()}
               == set(plates), 30, "all uploads")
    assert len(site.events()) == len(plates)  # no second edition either
    site.until(lambda: names_of(ftp) == [], 10, "the files' removal")


# ---- MQTT pushes, statuses, the real bridge

def test_vz_pushes_over_mqtt_are_taken_when_told_to(site):
    site.accounts("add", "sender", "vz-cams", "fe71-5726/device/message/up/+",
                  "aa11/device/message/up/+")
    site.accounts("hear", "cameras", "+/device/message/up/+")
    site.reload_accounts()
    site.settings(site.camera("north", "vz", identity="fe71-5726"),
                  mqtt_push={"enabled": True})
    site.start_camera()
    site.until(lambda: site.lines("push_linked"), 15, "the subscription")
    time.sleep(0.5)
    stopping = threading.Event()
    broker = f"mqtt://127.0.0.1:{site.broker_port}"
    kinds = [cameras.make("vz-mqtt", name, broker, stopping, serial=serial,
                          user="vz-cams", password=site.password("vz-cams"))
             for name, serial in (("north", "fe71-5726"), ("x", "aa11"))]
    for one in kinds:
        one.start()
    seen = kinds[0].see("云A12345", "yellow", scene=SCENE, cutout=CUTOUT)
    kinds[1].see("云A99999", "yellow", scene=SCENE)
    key, event = site.event("north", 20)
    check_common(event, seen)
    assert found(site, key) == (["scene", "plate"], digests(SCENE, CUTOUT))
    site.until(lambda: site.lines("unknown_camera"), 10, "the stranger")
    stopping.set()


def test_silent_camera_is_offline_with_the_reason(site):
    site.settings(site.camera("north", "vz", silent_after_s=2),
                  site.camera("east", "dahua", silent_after_s=0))
    site.start_camera()
    site.post("/vz", frames.vz_heartbeat("fe71"))
    status = site.receiver.status
    site.until(lambda: status.get("north", {}).get("online") is True, 10,
               "online")
    site.until(lambda: status["north"]["online"] is False, 10, "offline")
    assert "nothing heard since" in status["north"]["why"]
    site.post("/vz", frames.vz_heartbeat("fe71"))
    site.until(lambda: status["north"]["online"] is True, 10, "online again")
    assert "east" not in status
    site.stop_camera()
    site.until(lambda: status["north"]["online"] is False, 10, "offline")


def test_counts_are_told_at_the_end(site):
    site.settings(site.camera("north", "vz"))
    site.start_camera()
    message = frames.vz(passage(), "fe71")
    for _ in range(3):
        site.post("/vz", message)
    site.post("/vz", b"{")
    site.event("north")
    site.stop_camera()
    line = site.lines("last_minute")[-1]
    for word in ("events=1", "repeats=2", "bad=1"):
        assert word in line


def test_wrong_settings_do_not_start(site):
    path = site.settings(site.camera("north", "vz", address=["10.0.0.1/8"]))
    done = subprocess.run(
        [site.program("sampan-camera"), "-c", path, "--check-config"],
        capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 2
    assert "address" in done.stderr and "10.20.0.0/16" in done.stderr


def test_taken_port_is_told(site):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        site.settings(site.camera("north", "vz"), listen={
            "address": "127.0.0.1", "port": taken.getsockname()[1]})
        process = site.start_camera(ready=False)
        assert process.wait(20) == 1
        site.killed.append(process)
    assert "in use" in site.lines("not_listening")[0]
