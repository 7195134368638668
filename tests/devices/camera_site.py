"""A site with sampan-camera: a real broker with the accounts' rules, the real
program, and a bridge that answers receipts when the test wants them.

    def test_a_fact(site):            # the fixture, to be imported
        site.settings(site.camera("north", "vz"))
        site.start_camera()
        site.post("/vz", body)            # as a camera does
        site.until(lambda: site.events("north"), 10, "the event")
"""

import base64
import datetime
import hashlib
import http.client
import json
import os
import pathlib
import sys
import threading
import time
import uuid

import jsonschema
import paho.mqtt.client as mqtt
import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "compose/demo")]

from stack import (Stack, StackError, accepts, free_port,  # noqa: E402
                   wait_until, yaml_text)
from simulated import jpeg  # noqa: E402
from simulated.frames.camera import CHINA, Passage  # noqa: E402

SANITIZERS = ("AddressSanitizer", "LeakSanitizer", "runtime error:",
              "ThreadSanitizer")
STOP_S = 8
DEVICES = ("north", "south", "west", "east", "yard")


class Receiver:
    """Stands in for the bridge: hears events and gives receipts."""

    def __init__(self, site, answers=True):
        self.top = f"sampan/v1/{site.site}"
        self.lock = threading.Lock()
        self.heard = {}     # (device, id, revision): event without pictures
        self.times = {}     # the same: how often it came
        self.pictures = {}  # the same: [(kind, sha256, bytes)]
        self.status = {}    # device: the last
        self.answers, self.full = answers, False
        self.ready = threading.Event()
        self.client = mqtt.Client("bridge", protocol=mqtt.MQTTv5)
        self.client.username_pw_set("bridge", site.password("bridge"))
        self.client.on_connect = self.connected
        self.client.on_message = self.arrived
        self.client.reconnect_delay_set(1, 1)
        self.client.on_subscribe = lambda *rest: self.ready.set()
        self.client.connect("127.0.0.1", site.broker_port)
        self.client.loop_start()
        if not self.ready.wait(10):
            raise StackError("the receiver did not come in")

    def connected(self, client, *rest):
        client.subscribe(f"{self.top}/camera/#", 1)
        self.state()

    def state(self):
        self.client.publish(f"{self.top}/bridge/state", json.dumps(
            {"online": True, "full": self.full}), 1, retain=True)

    def arrived(self, client, userdata, message):
        device, leaf = message.topic.split("/")[4:6]
        said = json.loads(message.payload)
        with self.lock:
            if leaf == "status":
                self.status[device] = said
                return
            key = device, said["event_id"], said.get("revision", 0)
            self.pictures[key] = [
                (one["kind"],) + self.digest(one) for one in
                said.get("pictures", [])]
            for one in said.get("pictures", []):
                one["jpeg"] = "(taken out)"
            self.heard[key] = said
            self.times[key] = self.times.get(key, 0) + 1
            answers = self.answers
        if answers:
            self.receipt(*key)

    @staticmethod
    def digest(picture):
        jpeg = base64.b64decode(picture["jpeg"], validate=True)
        assert jpeg[:3] == b"\xff\xd8\xff"
        return hashlib.sha256(jpeg).hexdigest(), len(jpeg)

    def receipt(self, device, event_id, revision, refused=None):
        said = {"stored": [event_id], "rejected": []} if refused is None else {
            "stored": [], "rejected": [{"id": event_id, "reason": refused}]}
        if revision:
            said["revisions"] = {event_id: revision}
        self.client.publish(f"{self.top}/receipt/camera/{device}",
                            json.dumps(said), 1)

    def answer(self):
        """From now on, and for what is waiting."""
        with self.lock:
            self.answers = True
            waiting = list(self.heard)
        for key in waiting:
            self.receipt(*key)

    def events(self, device=None):
        """{(device, id, revision): event}"""
        with self.lock:
            return {key: event for key, event in self.heard.items()
                    if device in (None, key[0])}

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


class CameraSite(Stack):
    def __init__(self, folder, build):
        super().__init__(folder, build, "plant-1")
        self.port = free_port()
        self.receiver = None
        self.camera_process = None
        self.listens = True
        self.killed = []
        self.accounts("add", "device", "cameras",
                      *(f"camera/{name}" for name in DEVICES))
        self.start_broker()

    # ---- settings

    def camera(self, name, maker, **other):
        return {"id": name, "maker": maker,
                **({} if maker == "files" else {"address": ["127.0.0.1"]}),
                **other}

    def settings(self, *cameras, **other):
        """port and what this machine has; other replaces or adds."""
        whole = {
            "site": self.site, "name": "cameras", "log_level": "debug",
            "broker": {"host": "127.0.0.1", "port": self.broker_port,
                       "username": "cameras",
                       "password_file": str(self.password_file("cameras"))},
            "outbox": {"folder": str(self.folder / "outbox"),
                       "quota_mb": 256},
            "listen": {"address": "127.0.0.1", "port": self.port},
            "cameras": list(cameras)}
        for key, value in other.items():
            if isinstance(value, dict) and isinstance(whole.get(key), dict):
                whole[key].update(value)
            else:
                whole[key] = value
        self.listens = any("address" in one for one in cameras)
        path = self.folder / "camera.yaml"
        path.write_text(yaml_text(whole) + "\n", encoding="utf-8")
        return path

    # ---- processes

    def start_receiver(self, answers=True):
        self.receiver = Receiver(self, answers)
        return self.receiver

    def start_camera(self, ready=True, **options):
        """Waits until it listens, or without an HTTP port until it says that
        it has started."""
        log = self.log_of("camera")
        before = log.read_text(errors="replace").count("event=started") \
            if log.exists() else 0
        self.camera_process = self.start(
            "camera", [self.program("sampan-camera"), "-c",
                       self.folder / "camera.yaml"],
            env={"ASAN_OPTIONS": "exitcode=99",
                 "UBSAN_OPTIONS": "print_stacktrace=1"}, **options)
        if ready:
            self.camera_process.wait_ready(
                lambda: self.log().count("event=started") > before
                and (not self.listens or accepts(self.port)), 20)
        return self.camera_process

    def kill_camera(self):
        self.killed.append(self.camera_process)
        self.camera_process.popen.kill()
        self.camera_process.popen.wait()

    def stop_camera(self):
        began = time.monotonic()
        self.camera_process.check()
        self.camera_process.popen.terminate()
        code = self.camera_process.wait(STOP_S + 10)
        took = time.monotonic() - began
        self.killed.append(self.camera_process)
        assert code == 0, self.camera_process.last_words(40)
        assert took < STOP_S, f"SIGTERM took {took:.1f} s"

    def log(self):
        return self.log_of("camera").read_text(errors="replace")

    def lines(self, event):
        return [line for line in self.log().splitlines()
                if f"event={event} " in line + " "]

    def until(self, condition, seconds, what, every=0.05):
        def alive():
            if self.camera_process not in self.killed:
                self.camera_process.check()
            return condition()
        return wait_until(alive, seconds, what, every)

    def events(self, device=None):
        return self.receiver.events(device)

    def event(self, device=None, seconds=15):
        """The one event that came."""
        self.until(lambda: self.events(device), seconds, "an event")
        events = self.events(device)
        assert len(events) == 1, events.keys()
        return next(iter(events.items()))

    # ---- as a camera

    def connection(self, source="127.0.0.1", timeout=15):
        return http.client.HTTPConnection("127.0.0.1", self.port,
                                          timeout=timeout,
                                          source_address=(source, 0))

    def post(self, path, body, content_type="application/json", headers=None,
             source="127.0.0.1", **options):
        """(code, body, headers) of the answer."""
        if isinstance(body, dict):
            body = json.dumps(body, ensure_ascii=False).encode()
        connection = self.connection(source)
        try:
            connection.request("POST", path, body, {
                **({"Content-Type": content_type} if content_type else {}),
                **(headers or {})}, **options)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()

    # ---- the end

    def close(self):
        try:
            if self.camera_process is not None \
                    and self.camera_process not in self.killed:
                self.stop_camera()
            if self.camera_process is not None:
                found = [line for line in self.log().splitlines()
                         if any(word in line for word in SANITIZERS)]
                assert not found, "\n".join(found[:5])
        finally:
            if self.receiver is not None:
                self.receiver.close()
            super().close()


# ---- for tests

CAPTURE = jsonschema.Draft202012Validator(json.loads(
    (ROOT / "docs/schema/capture.json").read_text("utf-8")))
SCENE, CUTOUT = jpeg.make(40, "scene"), jpeg.make(4, "plate")


@pytest.fixture(scope="module")
def build():
    folder = pathlib.Path(os.environ.get("SAMPAN_BUILD",
                                         ROOT / "build/release"))
    assert folder.is_dir(), f"{folder} is not there: cmake --preset release"
    return folder


@pytest.fixture
def site(tmp_path, build):
    with CameraSite(tmp_path / "site", build) as one:
        one.start_receiver()
        yield one


def passage(number=1, **other):
    return Passage(**{
        "plate": "云A12345", "color": "yellow", "number": number,
        "moment": datetime.datetime.now(CHINA), "event_id": str(uuid.uuid4()),
        "scene": SCENE, "cutout": CUTOUT, **other})


def digests(*pictures):
    return [hashlib.sha256(one).hexdigest() for one in pictures]


def found(site, key):
    """kinds and digests of an event's pictures"""
    pictures = site.receiver.pictures[key]
    return [one[0] for one in pictures], [one[1] for one in pictures]


def check_common(event, seen):
    """What every event of a whole passage says."""
    CAPTURE.validate({**event, "pictures": [
        {**one, "jpeg": "/9j/2Q=="} for one in event["pictures"]]})
    assert event["plate"] == "云A12345" and event["color"] == "yellow"
    told = datetime.datetime.fromisoformat(event["time"])
    assert abs((told - seen.moment).total_seconds()) < 0.002
