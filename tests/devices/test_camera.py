"""sampan-camera as cameras know it: what they push arrives as it was seen, and
what is hostile does no harm."""

import datetime
import http.client
import io
import json
import pathlib
import random
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from camera_site import (  # noqa: E402, F401
    CAPTURE, CUTOUT, SCENE, build, check_common, digests, found, passage, site)
from simulated import cameras  # noqa: E402
from simulated.frames import camera as frames  # noqa: E402
from simulated.frames.camera import CHINA  # noqa: E402


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
    # Events leave in order: with the last one here, no other is to come.
    assert site.post("/vz", frames.vz(passage(3, plate="云A99999"),
                                      "fe71"))[0] == 200
    site.until(lambda: any(event["plate"] == "云A99999" for event in
                           site.events().values()), 15, "the last event")
    assert len(site.events()) == 3
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


def test_two_cameras_may_log_in_at_the_same_moment(site):
    """As those of one gate do, which see the same vehicle."""
    password = secret(site, "secret")
    hosts = {"east": "127.0.0.1", "west": "127.0.0.2"}
    site.settings(*(site.camera(name, "dahua", address=[host], username="gate",
                                password_file=password)
                    for name, host in hosts.items()))
    site.start_camera()
    for number in range(5):
        challenges = {}
        for name, host in hosts.items():
            code, _, headers = site.post(frames.DAHUA_PASSAGE, b"{}",
                                         source=host)
            assert code == 401
            challenges[name] = headers["WWW-Authenticate"]
        for name, host in hosts.items():
            login = cameras.digest(challenges[name], "gate", "secret", "POST",
                                   frames.DAHUA_PASSAGE)
            assert site.post(
                frames.DAHUA_PASSAGE, frames.dahua(passage(number), name),
                headers={"Authorization": login}, source=host)[0] == 200


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


def unread(port):
    """Bytes on their way to or from a port, in the sockets of both ends."""
    rows = [row.split() for row in pathlib.Path(
        "/proc/net/tcp").read_text("ascii").splitlines()[1:]]
    return sum(int(queued, 16) for row in rows for queued in row[4].split(":")
               if f"{port:04X}" in (row[1][-4:], row[2][-4:]))


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
    site.until(lambda: not unread(site.port), 15, "all of it is read")
    codes = []
    for one in slow:
        one.send(b"[" * 10)
        answer = one.getresponse()
        codes.append(answer.status)
        if answer.status == 503:
            assert answer.getheader("Retry-After")
        one.close()
    # One or two, as their room grows in turns.
    assert set(codes) == {200, 503} and codes.count(200) <= 2
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
     b'[{"license":"A1"}]}}}'),
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
