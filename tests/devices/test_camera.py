"""sampan-camera as cameras know it: what they push and upload arrives, whatever
dies in between, and what is hostile does no harm."""

import datetime
import hashlib
import http.client
import io
import json
import os
import pathlib
import random
import socket
import ssl
import subprocess
import sys
import threading
import time
import uuid

import jsonschema
import pytest
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

from camera_site import CameraSite, free_port  # noqa: E402
from simulated import cameras, jpeg  # noqa: E402
from simulated.frames import camera as frames  # noqa: E402
from simulated.frames.camera import CHINA, Passage  # noqa: E402

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


# ---- each maker's push

def test_vz_passage_arrives_as_it_was_seen(site):
    site.settings(site.camera("north", "vz", direction="in", kind="head"))
    site.start_camera()
    seen = passage()
    code, body, headers = site.post("/vz", frames.vz(seen, "fe71-5726"))
    assert code == 200
    assert frames.decode_vz_reply(body) == {
        "opens_barrier": False, "stops_resend": True, "manual_trigger": False,
        "continue": False}
    key, event = site.event("north")
    check_common(event, seen)
    assert event["direction"] == "in" and event["confidence"] == 97
    assert "history" not in event and "revision" not in event
    assert event["vendor"]["maker"] == "vz"
    assert event["vendor"]["device"] == "fe71-5726"
    assert found(site, key) == (["head", "plate"], digests(SCENE, CUTOUT))


def test_vz_memory_is_asked_for_record_by_record(site):
    site.settings(site.camera("north", "vz"))
    site.start_camera()
    seen = passage(moment=datetime.datetime.now(CHINA)
                   - datetime.timedelta(hours=7))
    code, body, _ = site.post("/vz/upload",
                              frames.vz(seen, "fe71", history=True))
    assert code == 200
    does = frames.decode_vz_reply(body)
    assert does["continue"] and does["stops_resend"]
    assert not does["opens_barrier"]
    _, event = site.event("north")
    check_common(event, seen)
    assert event["history"] is True


@pytest.mark.parametrize("boundary", cameras.BOUNDARIES)
def test_hikvision_passage_arrives_as_it_was_seen(site, boundary):
    site.settings(site.camera("south", "hikvision", direction="by_movement",
                              identity="bc:5e:33:62:2a:5c"))
    site.start_camera()
    seen = passage()
    body = frames.multipart(frames.isapi_parts(seen, "bc:5e:33:62:2a:5c"),
                            boundary)
    quoted = f'"{boundary}"' if "(" in boundary else boundary
    code, answer, _ = site.post("/any/path", body,
                                "multipart/form-data; boundary=" + quoted)
    assert (code, answer) == (200, b"")
    key, event = site.event("south")
    check_common(event, seen)
    assert event["direction"] == "in"
    assert sorted(zip(*found(site, key))) == sorted(
        zip(["plate", "scene"], digests(CUTOUT, SCENE)))


def test_hikvision_plain_xml_is_a_passage_without_pictures(site):
    site.settings(site.camera("south", "hikvision"))
    site.start_camera()
    seen = passage(plate="", color="other", direction="out")
    code, _, _ = site.post("/", frames.isapi(seen, "aa:bb:cc:dd:ee:ff"),
                           "application/xml; charset=UTF-8")
    assert code == 200
    _, event = site.event("south")
    assert event["plate"] == "" and "pictures" not in event
    CAPTURE.validate(event)


@pytest.mark.parametrize("answer", [None, '{"Response":"OK"}', "OK"])
def test_dahua_hears_what_its_firmware_wants(site, answer):
    site.settings(site.camera("east", "dahua",
                              **({"answer": answer} if answer else {})))
    site.start_camera()
    code, body, _ = site.post(frames.DAHUA_KEEPALIVE,
                              frames.dahua_keepalive("d1"))
    assert code == 200
    seen = passage()
    code, body, _ = site.post(frames.DAHUA_PASSAGE, frames.dahua(seen, "d1"))
    assert code == 200
    assert body.decode() == (answer or '{"Result":true,"Message":"Success"}')
    key, event = site.event("east")
    check_common(event, seen)
    assert found(site, key)[1] == digests(SCENE, CUTOUT)


def test_dahua_pictures_that_come_late_are_an_edition(site):
    site.settings(site.camera("east", "dahua"))
    site.start_camera()
    seen = passage()
    for pictures in (False, True, False, True):
        assert site.post(frames.DAHUA_PASSAGE,
                         frames.dahua(seen, "d1", pictures))[0] == 200
    site.until(lambda: len(site.events()) == 2, 15, "both editions")
    (first, bare), (second, whole) = sorted(site.events().items(),
                                            key=lambda one: one[0][2])
    assert first[:2] == second[:2] and (first[2], second[2]) == (0, 1)
    assert bare["time"] == whole["time"]
    assert "pictures" not in bare
    assert found(site, second)[1] == digests(SCENE, CUTOUT)


def test_same_push_again_is_answered_and_not_stored_twice(site):
    site.settings(site.camera("north", "vz"))
    site.start_camera()
    message = frames.vz(passage(), "fe71")
    answers = {site.post("/vz", message)[:2] for _ in range(5)}
    assert len(answers) == 1 and next(iter(answers))[0] == 200
    site.stop_camera()
    site.start_camera()
    assert site.post("/vz", message)[:2] in answers
    # Without any time it is known again by what it says.
    timeless = frames.vz(passage(2, plate="AB-1"), "fe71")
    result = timeless["AlarmInfoPlate"]["result"]["PlateResult"]
    del result["timeStamp"], result["plateid"]
    for _ in range(3):
        assert site.post("/vz", timeless)[0] == 200
    site.until(lambda: len(site.events()) == 2, 15, "both events")
    time.sleep(0.5)
    assert len(site.events()) == 2
    assert set(site.receiver.times.values()) == {1}


def test_camera_without_a_clock_gets_the_time_of_receipt(site):
    site.settings(site.camera("north", "vz"))
    site.start_camera()
    began = datetime.datetime.now(CHINA)
    message = frames.vz(passage(moment=datetime.datetime(
        1970, 1, 2, tzinfo=CHINA)), "fe71")
    for _ in range(2):
        assert site.post("/vz", message)[0] == 200
    _, event = site.event("north")
    told = datetime.datetime.fromisoformat(event["time"])
    assert abs((told - began).total_seconds()) < 10
    assert len(site.lines("camera_clock_wrong")) == 1


def test_picture_above_the_limit_is_made_smaller(site):
    site.settings(site.camera("north", "vz"))
    site.start_camera()
    noise = Image.frombytes("RGB", (2000, 1500), random.Random(1).randbytes(
        2000 * 1500 * 3))
    file = io.BytesIO()
    noise.save(file, "JPEG", quality=90)
    large = file.getvalue()
    assert 2 << 20 < len(large) < 5 << 20
    assert site.post("/vz", frames.vz(passage(scene=large), "fe71"))[0] == 200
    key, event = site.event("north")
    assert site.receiver.pictures[key][0][2] <= 976 * 1024
    assert event["pictures"][0]["reencoded"] is True
    assert event["pictures"][0]["original_bytes"] == len(large)
    assert "reencoded" not in event["pictures"][1]


# ---- who may, and how

def test_other_addresses_are_refused_and_logged_once(site):
    site.settings(site.camera("north", "vz", address=["127.0.0.2"]))
    site.start_camera()
    message = frames.vz(passage(), "fe71")
    for _ in range(20):
        assert site.post("/vz", message)[0] == 403
    assert len(site.lines("refused")) == 1
    assert "127.0.0.1" in site.lines("refused")[0]
    assert site.post("/vz", message, source="127.0.0.2")[0] == 200
    assert len(site.lines("refused")) == 1


def test_cameras_of_one_address_are_told_apart_by_identity(site):
    site.settings(
        site.camera("north", "vz", identity="AA-1"),
        site.camera("west", "vz", identity="BB-2"),
        site.camera("east", "dahua"))
    site.start_camera()
    assert site.post("/vz", frames.vz(passage(), "bb2"))[0] == 200
    assert site.post("/vz", frames.vz(passage(), "cc3"))[0] == 403
    assert site.post(frames.DAHUA_PASSAGE,
                     frames.dahua(passage(), "d1"))[0] == 200
    site.until(lambda: len(site.events()) == 2, 15, "both events")
    assert {key[0] for key in site.events()} == {"west", "east"}
    assert "cc3" in site.lines("unknown_camera")[0]


def test_unknown_paths_methods_and_types_are_told_so(site):
    site.settings(site.camera("north", "vz"))
    site.start_camera()
    code, body, _ = site.post("/nothing", b"{}")
    assert code == 404 and b"/vz" in body
    code, body, _ = site.post("/vz", b"x", "image/png")
    assert code == 415 and b"application/json" in body
    connection = site.connection()
    connection.request("GET", "/vz")
    answer = connection.getresponse()
    assert answer.status == 405 and answer.getheader("Allow") == "POST"
    connection.close()


def secret(site, text):
    path = site.folder / "camera.password"
    path.touch(mode=0o600)
    path.write_text(text)
    return str(path)


def test_digest_login_is_asked_for(site):
    site.settings(site.camera("east", "dahua", username="gate",
                              password_file=secret(site, "p w")))
    site.start_camera()
    body = json.dumps(frames.dahua(passage(), "d1")).encode()
    code, _, headers = site.post(frames.DAHUA_PASSAGE, body)
    challenge = headers["WWW-Authenticate"]
    assert code == 401 and challenge.startswith("Digest ")
    for password, wanted in (("wrong", 401), ("p w", 200)):
        login = cameras.digest(challenge, "gate", password, "POST",
                               frames.DAHUA_PASSAGE)
        code, _, headers = site.post(frames.DAHUA_PASSAGE, body,
                                     headers={"Authorization": login})
        assert code == wanted
    site.event("east")
    assert len(site.lines("refused")) == 1
    assert "p w" not in site.log()


def test_basic_login_is_asked_for(site):
    site.settings(site.camera("south", "hikvision", username="gate", login=
                              "basic", password_file=secret(site, "secret")))
    site.start_camera()
    body = frames.isapi(passage(), "aa:bb:cc:dd:ee:ff")
    code, _, headers = site.post("/", body, "text/xml")
    assert code == 401
    assert headers["WWW-Authenticate"].startswith("Basic ")
    for words, wanted in (("Z2F0ZTp3cm9uZw==", 401), ("Z2F0ZTpzZWNyZXQ=", 200),
                          ("====", 401)):
        assert site.post("/", body, "text/xml", {
            "Authorization": "Basic " + words})[0] == wanted


def test_tls_is_spoken_with_a_certificate(site):
    key, cert = site.folder / "key.pem", site.folder / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                    "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", key, "-out", cert], check=True,
                   capture_output=True)
    key.chmod(0o600)
    site.settings(site.camera("north", "vz"), listen={
        "address": "127.0.0.1", "port": site.port, "cert_file": str(cert),
        "key_file": str(key)})
    site.start_camera()
    connection = http.client.HTTPSConnection(
        "127.0.0.1", site.port, timeout=10,
        context=ssl.create_default_context(cafile=cert))
    connection.request("POST", "/vz", json.dumps(frames.vz(passage(), "f")),
                       {"Content-Type": "application/json"})
    assert connection.getresponse().status == 200
    connection.close()
    site.event("north")


# ---- sizes, slowness, damage

def test_body_above_the_limit_is_413(site):
    site.settings(site.camera("north", "vz"))
    site.start_camera()
    assert site.post("/vz", b"x" * (9 << 20))[0] == 413
    pieces = (b"x" * 65536 for _ in range(9 * 16))
    assert site.post("/vz", pieces, encode_chunked=True, headers={
        "Transfer-Encoding": "chunked"})[0] == 413
    # What is said is not believed, and what is below is taken.
    assert site.post("/vz", frames.vz(passage(), "fe71"))[0] == 200


def test_chunked_push_is_taken(site):
    site.settings(site.camera("north", "vz"))
    site.start_camera()
    body = json.dumps(frames.vz(passage(), "fe71")).encode()
    pieces = (body[at:at + 777] for at in range(0, len(body), 777))
    assert site.post("/vz", pieces, encode_chunked=True, headers={
        "Transfer-Encoding": "chunked"})[0] == 200
    site.event("north")


def test_bodies_in_progress_are_bounded_together(site):
    """Each one a little below the limit of one: 8 MB hold only some."""
    site.settings(site.camera("north", "vz"), listen={
        "address": "127.0.0.1", "port": site.port, "pending_mb": 8,
        "body_limit_kb": 4096, "request_s": 30})
    site.start_camera()
    slow = []
    for _ in range(4):
        one = site.connection()
        one.putrequest("POST", "/vz")
        one.putheader("Content-Length", str(3 << 20))
        one.endheaders()
        one.send(b"[" * ((3 << 20) - 10))
        slow.append(one)
    time.sleep(0.5)
    codes = []
    for one in slow:
        one.send(b"[" * 10)
        answer = one.getresponse()
        codes.append(answer.status)
        if answer.status == 503:
            assert answer.getheader("Retry-After")
        one.close()
    assert sorted(codes) == [200, 200, 503, 503]
    assert site.post("/vz", frames.vz(passage(), "fe71"))[0] == 200


def trickle(site, first, every, seconds):
    """Send first, then a byte now and then; how long it was let."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", site.port), 10) as one:
        one.sendall(first)
        one.settimeout(every)
        while time.monotonic() - began < seconds:
            try:
                one.sendall(b"x")
                if one.recv(4096) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
    return time.monotonic() - began


def test_trickling_requests_are_cut_and_disturb_nobody(site):
    site.settings(site.camera("north", "vz"), listen={
        "address": "127.0.0.1", "port": site.port, "request_s": 5,
        "idle_s": 5})
    site.start_camera()
    heads = (b"POST /vz HTTP/1.1\r\nHost: x\r\nContent-Type: application/json"
             b"\r\nContent-Length: 100000\r\n\r\n{",
             b"POST /vz HTTP/1.1\r\nHost: x\r\nX-Head: ", b"P", b"")
    took = []
    threads = [threading.Thread(target=lambda head=head: took.append(
        trickle(site, head, 0.5, 20))) for head in heads]
    for one in threads:
        one.start()
    for number in range(10):
        began = time.monotonic()
        assert site.post("/vz", frames.vz(passage(number), "f"))[0] == 200
        assert time.monotonic() - began < 2
        time.sleep(0.1)
    for one in threads:
        one.join()
    assert len(took) == 4 and max(took) < 9, took
    assert site.lines("connection_cut")


def test_request_that_ends_early_is_no_event(site):
    site.settings(site.camera("north", "vz"))
    site.start_camera()
    body = json.dumps(frames.vz(passage(), "fe71")).encode()
    for at in (0, 1, len(body) // 2, len(body) - 1):
        with socket.create_connection(("127.0.0.1", site.port), 10) as one:
            one.sendall(b"POST /vz HTTP/1.1\r\nHost: x\r\nContent-Type: "
                        b"application/json\r\nContent-Length: %d\r\n\r\n%s"
                        % (len(body), body[:at]))
    site.until(lambda: site.lines("request_torn"), 10, "the word of it")
    assert site.post("/vz", body)[0] == 200
    site.event("north")


HOSTILE = [
    b"\r\n\r\n", b"\0\0\0\0\r\n\r\n", b"GET\r\n\r\n",
    b"POST /vz HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{}",
    b"POST /vz HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999"
    b"\r\n\r\n{}",
    b"POST /vz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 2"
    b"\r\n\r\n{}xxx",
    b"POST /vz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"fffffffffffffffff\r\nx",
    b"POST /vz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"-1\r\nx",
    b"POST /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /vz HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % at for at in
                                        range(5000)) + b"\r\n",
    b"POST /vz HTTP/1.1\r\nX: " + b"y" * 200000 + b"\r\n\r\n",
    b"POST /vz%00%0a%ff HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
    b"POST /../../etc/passwd HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
    b"{}",
    b"POST /vz HTTP/9.9\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
    b"POST /vz HTTP/1.1\r\nHost: x\r\nAuthorization: Digest \xff\xfe,,,=\r\n"
    b"Content-Length: 2\r\n\r\n{}",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00",
]


def test_hostile_heads_do_no_harm(site):
    site.settings(site.camera("north", "vz"), site.camera(
        "south", "hikvision", username="gate",
        password_file=secret(site, "secret")))
    site.start_camera()
    for head in HOSTILE:
        with socket.create_connection(("127.0.0.1", site.port), 10) as one:
            one.settimeout(0.5)
            try:
                one.sendall(head)
                one.shutdown(socket.SHUT_WR)
                answer = one.recv(4096)
                assert not answer.startswith(b"HTTP/1.1 2") \
                    or b"retransfer_stop" in answer
            except OSError:
                pass
    assert site.post("/vz", frames.vz(passage(), "fe71"))[0] == 200
    site.event("north")


BAD = [
    ("/vz", "application/json", b"{"),
    ("/vz", "application/json", b"[" * 100000),
    ("/vz", "application/json", b'{"AlarmInfoPlate":{"result":{"PlateResult":'
     b'{"license":{"a":1}}}}}'),
    ("/vz", "application/json", b"\xff\xfe\x00{"),
    ("/h", "text/xml", b"<EventNotificationAlert><ANPR>"),
    ("/h", "text/xml", b"<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;"
     b"\">]><EventNotificationAlert>&b;</EventNotificationAlert>"),
    ("/h", "multipart/form-data; boundary=x", b"--y\r\n\r\n"),
    ("/h", "multipart/form-data", b"--x\r\n\r\n"),
    (frames.DAHUA_PASSAGE, "application/json", b'{"Picture":{"Plate":[]}}'),
]


def test_what_cannot_be_decoded_is_put_aside_and_not_sent_again(site):
    site.settings(site.camera("north", "vz"), site.camera("east", "dahua"),
                  site.camera("south", "hikvision"))
    site.start_camera()
    for path, kind, body in BAD:
        assert site.post(path, body, kind)[0] == 200, (path, body[:40])
    code, answer, _ = site.post("/vz", b"{]")
    assert frames.decode_vz_reply(answer)["stops_resend"]
    aside = sorted((site.folder / "outbox/bad").iterdir())
    assert len(aside) == len(BAD) + 1
    assert aside[0].read_bytes() == b"{"
    assert aside[0].stat().st_mode & 0o077 == 0
    for number in range(60):
        site.post("/vz", b"%d" % number)
    aside = sorted((site.folder / "outbox/bad").iterdir())
    assert len(aside) == 50 and aside[-1].read_bytes() == b"59"
    assert 1 <= len(site.lines("bad_message")) <= 3
    assert "fault=" in site.lines("bad_message")[0]
    assert not site.events()


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
    (ftp / "云A3_黄_20261120083045250.jpg").write_bytes(b"GIF89a")
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
