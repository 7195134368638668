"""--decode against a second opinion: frames that the simulated devices write,
and what becomes of them when a bit changes."""
import datetime
import json
import random
import subprocess
import sys
import uuid

import pytest
from harness import HERE
from stack import Stack

sys.path.insert(0, str(HERE.parent / "devices"))

from simulated import jpeg, modbus_meters, wire  # noqa: E402
from simulated.frames import (FrameError, camera, cjt188, dlt645,  # noqa: E402
                              modbus, weighing)

PROGRAMS = ("sampan-camera", "sampan-weighbridge", "sampan-meter")
FRAMES = 40  # of each protocol


@pytest.fixture(scope="module")
def programs(build, tmp_path_factory):
    """Protocol -> the programs that know it."""
    stack = Stack(tmp_path_factory.mktemp("decode"), build)
    known = {}
    for name in PROGRAMS:
        path = stack.program(name)
        listed = subprocess.run([path, "--list-protocols"], text=True,
                                capture_output=True, check=True).stdout
        for line in listed.splitlines():
            known.setdefault(line.split()[0], []).append(path)
    return known


def run(path, protocol, raw, *words):
    done = subprocess.run([path, "--decode", protocol, *words], input=raw,
                          capture_output=True, timeout=20, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, [json.loads(line)
                             for line in done.stdout.splitlines()]


def decode(programs, protocol, raw, *words):
    """What every program that knows the protocol says: they must agree."""
    told = [run(path, protocol, raw, "--raw", *words)
            for path in programs[protocol]]
    assert all(one == told[0] for one in told[1:]), told
    return told[0]


def differing(told, wanted):
    """Members of wanted that are absent or other, in value or in type."""
    return {name: (told.get(name, "absent"), value)
            for name, value in wanted.items()
            if told.get(name, "absent") != value
            or isinstance(told[name], bool) != isinstance(value, bool)}


# ---- what the simulated devices write

def value_645(rng, di, edition):
    size, decimals, _, signed = dlt645.FORMATS[edition][di]
    number = rng.randrange(10 ** (2 * size) // (2 if signed else 1))
    if signed:
        number = number % (8 * 10 ** (2 * size - 1))
    sign = -1 if signed and rng.random() < 0.5 and number else 1
    return sign * number / 10 ** decimals


def frame_645(rng, edition):
    address = f"{rng.randrange(10 ** 12):012d}"
    di = rng.choice(list(dlt645.FORMATS[edition]))
    kind = rng.random()
    if kind < 0.2:
        return dlt645.read(address, di, edition, rng.randrange(5))
    if kind < 0.3:
        return dlt645.encode(address, dlt645.READ[edition] | 0xc0, bytes(
            [1 << rng.randrange(7)]), rng.randrange(5))
    return dlt645.encode(
        address, dlt645.READ[edition] | dlt645.REPLY, dlt645.identifier(di)
        + dlt645.payload(di, value_645(rng, di, edition), edition),
        rng.randrange(5))


def frame_188(rng):
    address = f"{rng.randrange(10 ** 14):014d}"
    swapped, clock = rng.random() < 0.5, rng.random() < 0.5
    moment = datetime.datetime(2026, 11, rng.randrange(1, 29), 8, 30, 45) \
        if clock else None
    values = [rng.randrange(10 ** 8) / 100 for _ in range(5)]
    head = cjt188.di_bytes(cjt188.CURRENT, swapped) + bytes([
        rng.randrange(256)])
    if rng.random() < 0.5:
        return cjt188.encode(cjt188.WATER, address, 0x81, head + cjt188.water(
            values[0], values[1], moment), rng.randrange(5))
    values[3] = rng.randrange(10 ** 8) / 10000
    return cjt188.encode(cjt188.HEAT, address, 0x81, head + cjt188.heat(
        values, rng.randrange(15000) / 100, rng.randrange(15000) / 100,
        rng.randrange(10 ** 6), moment, unit_first=rng.random() < 0.5),
        rng.randrange(5))


def frame_toledo(rng):
    return weighing.toledo(
        rng.randrange(-99999, 999999), rng.randrange(999999),
        increment=rng.choice((1, 2, 5)), net=rng.random() < 0.5,
        motion=rng.random() < 0.5, out_of_range=rng.random() < 0.5,
        kilograms=rng.random() < 0.5, pad=rng.choice("0 "),
        checksum=rng.random() < 0.5)


def frame_line(rng):
    value = rng.randrange(-99999, 99999) / 10
    return rng.choice((
        lambda: weighing.st_gs(value, rng.random() < 0.5, 1, "kg",
                               rng.choice(("GS", "NT", "TR"))),
        lambda: weighing.a12(value, rng.choice(("ww", "wn", "wt"))),
        lambda: weighing.xk3118(abs(value))))()


def frame_modbus(rng):
    model = rng.choice(list(modbus_meters.MODELS))
    unit, (code, rows) = rng.randrange(1, 248), modbus_meters.MODELS[model]
    load = modbus_meters.Load(rng.uniform(-200, 200), rng.uniform(0, 9000),
                              clock=lambda: 0.0)
    address, kind, value = rng.choice([row for row in rows
                                       if row[1] != "s64"])
    words = modbus_meters.words(kind, value(load))
    if rng.random() < 0.3:
        body = bytes([unit, code]) + address.to_bytes(2, "big") \
            + len(words).to_bytes(2, "big")
    else:
        body = bytes([unit, code, 2 * len(words)]) + b"".join(
            word.to_bytes(2, "big") for word in words)
    return body + modbus.crc(body)


MAKERS = {
    "dlt645-2007": (lambda rng: frame_645(rng, 2007), dlt645.decode),
    "dlt645-1997": (lambda rng: frame_645(rng, 1997),
                    lambda raw: dlt645.decode(raw, 1997)),
    "cjt188": (frame_188, cjt188.decode),
    "yaohua-a9-continuous": (lambda rng: weighing.a9(
        rng.randrange(-99999, 99999), rng.randrange(2)), weighing.decode_a9),
    "yaohua-a9-command": (lambda rng: weighing.a9_reply(
        rng.choice("BD"), rng.randrange(-99999, 99999), rng.randrange(2),
        rng.choice("ABCZ")), weighing.decode_a9_command),
    "mt-continuous": (frame_toledo, weighing.decode_toledo),
    "scale-ascii": (frame_line, weighing.decode_line),
    "modbus-rtu": (frame_modbus, modbus.decode),
}


def near(told, wanted):
    """As differing, with numbers that floats cannot hold exactly."""
    return {name: pair for name, pair in differing(told, wanted).items()
            if not (isinstance(pair[0], (int, float))
                    and isinstance(pair[1], (int, float))
                    and pair[0] == pytest.approx(pair[1], rel=1e-6, abs=1e-9))}


@pytest.mark.parametrize("protocol", MAKERS)
def test_frames_of_the_simulated_devices_are_read_alike(programs, protocol):
    make, ours = MAKERS[protocol]
    rng = random.Random(protocol)
    for _ in range(FRAMES):
        raw = make(rng)
        code, objects = decode(programs, protocol, raw)
        assert code == 0 and len(objects) == 1, (raw.hex(" "), objects)
        assert not near(objects[0], ours(raw)), raw.hex(" ")


@pytest.mark.parametrize("protocol", [
    one for one in MAKERS if one != "scale-ascii"])
def test_one_changed_bit_is_refused_by_both(programs, protocol):
    """Where there is a check, that is."""
    make, ours = MAKERS[protocol]
    rng = random.Random(protocol)
    for _ in range(FRAMES):
        raw = make(rng)
        if protocol == "mt-continuous":
            if len(raw) == 17:
                continue
        elif protocol.startswith(("dlt645", "cjt188")):
            raw = raw.lstrip(b"\xfe")
        wrong = wire.flip(raw, rng)
        with pytest.raises(FrameError):
            ours(wrong)
        code, objects = decode(programs, protocol, wrong)
        assert code == 1, (raw.hex(" "), wrong.hex(" "), objects)


def passage(rng):
    color = rng.choice([one for one in camera.VZ_COLORS if one != "other"])
    return camera.Passage(
        f"云A{rng.randrange(10 ** 5):05d}", color, datetime.datetime(
            2026, 11, 20, 8, 30, 45, 250000, camera.CHINA)
        + datetime.timedelta(seconds=rng.randrange(86400)),
        rng.randrange(10 ** 6), str(uuid.UUID(int=rng.getrandbits(128))),
        rng.choice(("in", "out")), rng.randrange(101), jpeg.make(2, "scene"),
        jpeg.make(1, "plate"))


CAMERAS = {
    "vz-http": (lambda one: json.dumps(
        camera.vz(one, "s-1"), ensure_ascii=False).encode(), camera.decode_vz,
        ("plate", "color", "confidence", "direction", "trigger", "plateid",
         "offline", "utc", "local_cst", "device")),
    "vz-mqtt": (lambda one: json.dumps(camera.vz_mqtt(one, "s-1")).encode(),
                camera.decode_vz_mqtt,
                ("topic", "plate", "color", "confidence", "device")),
    "isapi-anpr": (lambda one: camera.isapi(one, "44:a6:42:f3:2a:d7"),
                   camera.decode_isapi,
                   ("plate", "color", "confidence", "direction", "lane", "utc",
                    "mac", "history")),
    "dahua-itsapi": (lambda one: json.dumps(
        camera.dahua(one, "d-1"), ensure_ascii=False).encode(),
        camera.decode_dahua,
        ("plate", "color", "device", "local_time", "pictures")),
}


@pytest.mark.parametrize("protocol", CAMERAS)
def test_messages_of_the_simulated_cameras_are_read_alike(programs, protocol):
    make, ours, members = CAMERAS[protocol]
    rng = random.Random(protocol)
    for _ in range(FRAMES):
        raw = make(passage(rng))
        code, objects = decode(programs, protocol, raw)
        wanted = {name: value for name, value in ours(raw).items()
                  if name in members}
        assert code == 0 and len(objects) == 1
        assert not near(objects[0], wanted)


def test_multipart_is_read_by_its_content_type(programs):
    rng = random.Random(1)
    one = passage(rng)
    for boundary in ("boundary", "--odd", "-" * 27 + "7e13971310878"):
        body = camera.multipart(camera.isapi_parts(one, "44:a6:42:f3:2a:d7"),
                                boundary)
        code, objects = decode(
            programs, "isapi-anpr", body, "--content-type",
            f"multipart/form-data; boundary={boundary}")
        assert code == 0 and objects[0]["plate"] == one.plate, boundary
