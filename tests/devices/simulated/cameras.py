"""Plate cameras of several makers, each keeping and resending as the real
ones do.

    vz        posts JSON; resends a passage until the answer says
              retransfer_stop, four times at once, then from its memory with
              isoffline 1, one after the other as ContinuePushOffline allows
    hikvision posts multipart/form-data, once; what is not answered is gone
    dahua     posts JSON with digest authentication until it is answered;
              may send a passage without pictures first
    folder    writes JPEGs where an FTP server would put them
    vz-mqtt   publishes quick_ivs_result and ivs_result
"""

import datetime
import hashlib
import http.client
import json
import os
import queue
import random
import threading
import time
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass, field

import paho.mqtt.client as mqtt

from . import jpeg
from .events import CHINA
from .frames import camera
from .frames.camera import Passage

TIMEOUT_S = 10
RESENDS = 4           # of a VZ camera, before it goes to its memory
RETRY_S = 1.0
HEARTBEAT_S = 5.0
LATE_S = 0.3          # until a Dahua camera has its pictures
BOUNDARIES = ("boundary", "---------------------------7e13971310878",
              "--odd'()+_,-./:=?b", "MIME_boundary_" + "9" * 50)


@dataclass
class Told:
    """One passage and what became of it."""

    passage: Passage
    answered: bool = False  # an answer that promises it is kept
    sendings: int = 0
    tried: bool = False     # told once, whatever came of it
    bare: bool = False      # its pictures are still to come
    history: bool = False


@dataclass
class HttpFaults:
    """What goes wrong between a camera and its server."""

    torn: float = 0.0       # pauses inside the request
    cut: float = 0.0        # the connection ends inside the request
    duplicate: float = 0.0  # sent once more although it was answered
    pause_s: float = 0.05
    seed: int = 0
    rng: random.Random = field(init=False)

    def __post_init__(self):
        self.rng = random.Random(self.seed)
        self.counts = dict.fromkeys(("torn", "cut", "duplicate"), 0)

    def strikes(self, kind) -> bool:
        struck = self.rng.random() < getattr(self, kind)
        self.counts[kind] += struck
        return struck


class Camera(threading.Thread):
    """Keeps passages and tells them; see the makers below."""

    kind = ""
    path = "/"

    def __init__(self, name, url, stopping, faults=None, user=None,
                 password=None, log=None):
        super().__init__(daemon=True)
        self.camera, self.stopping = name, stopping
        self.url = urllib.parse.urlsplit(url)
        self.faults = faults or HttpFaults()
        self.user, self.password, self.log = user, password, log
        self.waiting = queue.Queue()
        self.lock = threading.Lock()
        self.made, self.lost, self.numbers = [], 0, 0
        self.answers = {}      # status: count
        self.last_error = ""

    # ---- from outside

    def see(self, plate, color, direction="in", scene=b"", cutout=b"",
            moment=None) -> Passage:
        """A vehicle passes."""
        with self.lock:
            self.numbers += 1
            number = self.numbers
        moment = moment or datetime.datetime.now(CHINA)
        passage = Passage(
            plate, color, moment, number, str(uuid.uuid4()), direction,
            scene=scene, cutout=cutout)
        told = Told(passage)
        with self.lock:
            self.made.append(told)
        self.waiting.put(told)
        return passage

    def settled(self) -> bool:
        return all(self.is_settled(told) for told in list(self.made))

    def is_settled(self, told) -> bool:
        return told.answered and not told.bare

    def books(self):
        with self.lock:
            made = list(self.made)
        return {"passages": len(made),
                "answered": sum(told.answered for told in made),
                "lost": self.lost,
                "sendings": sum(told.sendings for told in made),
                "answers": self.answers, "faults": self.faults.counts}

    def write(self, told, extra=None):
        if self.log:
            passage = told.passage
            self.log.write(json.dumps({
                "camera": self.camera, "kind": self.kind,
                "plate": passage.plate, "color": passage.color,
                "time": passage.moment.isoformat(timespec="milliseconds"),
                "number": passage.number, "event_id": passage.event_id,
                "pictures": [hashlib.sha256(one).hexdigest() for one in
                             (passage.scene, passage.cutout) if one],
                **(extra or {})}, ensure_ascii=False) + "\n")
            self.log.flush()

    # ---- its own thread

    def run(self):
        while not self.stopping.is_set():
            try:
                told = self.waiting.get(timeout=0.1)
            except queue.Empty:
                self.idle()
                continue
            self.tell(told)
            told.tried = True

    def idle(self):
        """Nothing new to tell."""

    def tell(self, told):
        raise NotImplementedError

    def answered(self, told):
        first = not told.answered
        told.answered = True
        if first:
            self.write(told)

    # ---- HTTP

    def post(self, body, content_type, path=None, headers=None):
        """(status, body) of the answer, or (None, why)."""
        torn, cut = self.faults.strikes("torn"), self.faults.strikes("cut")
        try:
            answer = self._post(body, content_type, path or self.url.path
                                or self.path, headers or {}, torn, cut)
        except (OSError, http.client.HTTPException) as error:
            answer = None, str(error).encode()
            self.last_error = str(error)
        self.answers[str(answer[0])] = self.answers.get(str(answer[0]), 0) + 1
        return answer

    def _post(self, body, content_type, path, headers, torn, cut):
        connection = http.client.HTTPConnection(
            self.url.hostname, self.url.port or 80, timeout=TIMEOUT_S)
        try:
            if self.url.query:
                path += "?" + self.url.query
            connection.putrequest("POST", path, skip_accept_encoding=True)
            for name, value in {"Content-Type": content_type,
                                "Content-Length": str(len(body)),
                                "Connection": "close", **headers}.items():
                connection.putheader(name, value)
            connection.endheaders()
            at = self.faults.rng.randrange(len(body)) if torn or cut else 0
            if torn or cut:
                connection.send(body[:at])
                time.sleep(self.faults.pause_s)
            if cut:
                raise OSError("the camera lost its network")
            connection.send(body[at:])
            response = connection.getresponse()
            self.challenge = response.getheader("WWW-Authenticate")
            return response.status, response.read()
        finally:
            connection.close()


class VzCamera(Camera):
    kind = "vz"
    path = "/vz"

    def __init__(self, *arguments, serial=None, **options):
        super().__init__(*arguments, **options)
        self.serial = serial or f"vz-{self.camera}"
        self.memory = []        # offline records, oldest first
        self.may_continue = True
        self.next_beat = time.monotonic() + HEARTBEAT_S

    def tell(self, told):
        for attempt in range(1 + RESENDS):
            if self.send(told):
                if self.faults.strikes("duplicate"):
                    self.send(told)
                return
            if self.stopping.wait(RETRY_S if attempt else 0.2):
                break
        told.history = True
        self.memory.append(told)

    def send(self, told) -> bool:
        told.sendings += 1
        status, body = self.post(json.dumps(camera.vz(
            told.passage, self.serial, told.history),
            ensure_ascii=False).encode("utf-8"), "application/json")
        if status != 200:
            return False
        try:
            does = camera.decode_vz_reply(body)
        except (ValueError, KeyError, TypeError, AttributeError):
            return False
        self.may_continue = does["continue"]
        if not does["stops_resend"]:
            return False
        self.answered(told)
        return True

    def idle(self):
        """Heartbeats; the first record of the memory on each, the next ones
        as soon as the answer asks for them."""
        if time.monotonic() < self.next_beat:
            return
        self.next_beat = time.monotonic() + HEARTBEAT_S
        self.post(json.dumps(camera.vz_heartbeat(self.serial)).encode(),
                  "application/json")
        while self.memory and self.send(self.memory[0]):
            self.memory.pop(0)
            if not self.may_continue or not self.waiting.empty() \
                    or self.stopping.is_set():
                return


class HikvisionCamera(Camera):
    kind = "hikvision"
    path = "/hikvision"

    def __init__(self, *arguments, mac=None, prefix_color=True, **options):
        super().__init__(*arguments, **options)
        digest = hashlib.md5(self.camera.encode()).hexdigest()
        self.mac = mac or ":".join(digest[at:at + 2] for at in range(0, 12, 2))
        self.prefix_color = prefix_color

    def tell(self, told):
        """Once, whatever comes of it."""
        boundary = BOUNDARIES[told.passage.number % len(BOUNDARIES)]
        body = camera.multipart(camera.isapi_parts(
            told.passage, self.mac, prefix_color=self.prefix_color), boundary)
        told.sendings += 1
        quoted = f'"{boundary}"' if "(" in boundary else boundary
        status, _ = self.post(body, "multipart/form-data; boundary=" + quoted)
        if status == 200:
            self.answered(told)
        else:
            self.lost += 1

    def is_settled(self, told) -> bool:
        return told.tried


class DahuaCamera(Camera):
    kind = "dahua"
    path = camera.DAHUA_PASSAGE

    def __init__(self, *arguments, device=None, late_pictures=False,
                 **options):
        super().__init__(*arguments, **options)
        self.device = device or f"dahua-{self.camera}"
        self.late_pictures = late_pictures
        self.challenge = None
        self.next_beat = time.monotonic() + HEARTBEAT_S
        self.base = self.url.path.removesuffix("/")
        if self.base.endswith(camera.DAHUA_PASSAGE):
            self.base = self.base.removesuffix(camera.DAHUA_PASSAGE)

    def tell(self, told):
        told.bare = self.late_pictures and bool(told.passage.scene)
        if told.bare and self.insist(told, False):
            self.stopping.wait(LATE_S)
        if self.insist(told, True):
            told.bare = False

    def insist(self, told, pictures) -> bool:
        """Until it is answered; False: told to stop before."""
        message = camera.dahua(told.passage, self.device, pictures)
        while not self.stopping.is_set():
            told.sendings += 1
            if self.send(camera.DAHUA_PASSAGE, message):
                self.answered(told)
                return True
            self.stopping.wait(RETRY_S)
        return False

    def send(self, path, message) -> bool:
        body = json.dumps(message, ensure_ascii=False).encode("utf-8")
        path = self.base + path
        status, _ = self.post(body, "application/json;charset=UTF-8", path)
        if status == 401 and self.user and self.challenge:
            status, _ = self.post(
                body, "application/json;charset=UTF-8", path,
                {"Authorization": digest(self.challenge, self.user,
                                         self.password, "POST", path)})
        return status == 200

    def idle(self):
        if time.monotonic() >= self.next_beat:
            self.next_beat = time.monotonic() + HEARTBEAT_S
            self.send(camera.DAHUA_KEEPALIVE,
                      camera.dahua_keepalive(self.device))


def digest(challenge, user, password, method, path) -> str:
    """RFC 7616 with qop auth, and without for who does not offer it."""
    told = urllib.request.parse_keqv_list(urllib.request.parse_http_list(
        challenge.partition(" ")[2]))
    name = told.get("algorithm", "MD5")
    make = hashlib.sha256 if name.upper().startswith("SHA-256") \
        else hashlib.md5

    def sum_of(text):
        return make(text.encode("utf-8")).hexdigest()

    nonce, cnonce, count = told["nonce"], os.urandom(8).hex(), "00000001"
    secret = sum_of(f"{user}:{told['realm']}:{password}")
    asked = sum_of(f"{method}:{path}")
    words = [f'username="{user}"', f'realm="{told["realm"]}"',
             f'nonce="{nonce}"', f'uri="{path}"', f"algorithm={name}"]
    if "auth" in told.get("qop", "").split(","):
        response = sum_of(f"{secret}:{nonce}:{count}:{cnonce}:auth:{asked}")
        words += ["qop=auth", f"nc={count}", f'cnonce="{cnonce}"']
    else:
        response = sum_of(f"{secret}:{nonce}:{asked}")
    words.append(f'response="{response}"')
    if "opaque" in told:
        words.append(f'opaque="{told["opaque"]}"')
    return "Digest " + ", ".join(words)


class FolderCamera(Camera):
    """name: of a file, with {plate} {color} {time} {number}."""

    kind = "folder"

    def __init__(self, name, folder, stopping, pattern=None, chunk=16384,
                 **options):
        super().__init__(name, "http://folder", stopping, **options)
        self.folder, self.chunk = folder, chunk
        self.pattern = pattern or "{plate}_{color}_{time}_{number}.jpg"
        os.makedirs(folder, exist_ok=True)

    def tell(self, told):
        passage = told.passage
        name = self.pattern.format(
            plate=passage.plate or "noPlate", color=passage.color,
            time=passage.moment.astimezone(CHINA).strftime("%Y%m%d%H%M%S%f")
            [:17], number=passage.number)
        told.sendings += 1
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:  # it grows, as an upload does
            for at in range(0, len(passage.scene), self.chunk):
                file.write(passage.scene[at:at + self.chunk])
                file.flush()
                if self.faults.strikes("torn"):
                    time.sleep(self.faults.pause_s)
        self.answered(told)


class VzMqttCamera(Camera):
    kind = "vz-mqtt"

    def __init__(self, name, url, stopping, serial=None, **options):
        super().__init__(name, url, stopping, **options)
        self.serial = serial or f"vz-{name}"
        self.client = mqtt.Client(f"{self.serial}-{os.urandom(4).hex()}",
                                  protocol=mqtt.MQTTv311)
        if self.user:
            self.client.username_pw_set(self.user, self.password)
        self.linked = threading.Event()
        self.client.on_connect = lambda *_: self.linked.set()
        self.client.on_disconnect = lambda *_: self.linked.clear()
        self.client.connect_async(self.url.hostname, self.url.port or 1883)
        self.client.loop_start()
        self.next_beat = 0.0

    def publish(self, name, message, seconds=10) -> bool:
        self.linked.wait(seconds)
        info = self.client.publish(
            f"{self.serial}/device/message/up/{name}",
            json.dumps(message, ensure_ascii=False), 1)
        try:
            info.wait_for_publish(seconds)
        except (RuntimeError, ValueError):
            return False
        return info.is_published()

    def tell(self, told):
        told.sendings += 1
        for name in ("quick_ivs_result", "ivs_result"):
            if not self.publish(name, camera.vz_mqtt(told.passage, self.serial,
                                                     name)):
                self.lost += 1
                return
        self.answered(told)

    def is_settled(self, told) -> bool:
        return told.tried

    def idle(self):
        if time.monotonic() >= self.next_beat:
            self.next_beat = time.monotonic() + 10
            self.publish("keep_alive", {
                "sn": self.serial, "name": "keep_alive", "version": "1.0",
                "timestamp": int(time.time()), "payload": {}}, 1)


KINDS = {one.kind: one for one in (VzCamera, HikvisionCamera, DahuaCamera,
                                   FolderCamera, VzMqttCamera)}


def make(kind, name, where, stopping, **options):
    if kind not in KINDS:
        raise ValueError(f"{kind}: not one of {' '.join(KINDS)}")
    return KINDS[kind](name, where, stopping, **options)


def pictures(kb, words):
    """(scene, cut-out of the plate)"""
    return jpeg.make(kb, words), jpeg.make(min(kb / 10, 8), words + " plate")
