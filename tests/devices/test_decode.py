"""--decode of the adapters, over every frame of tests/vectors.

The vectors come from public places (devices.json) or were made by another
implementation (meter_frames.json); what they name must be in the output, of
the same type and value, and what is not valid must be refused.
"""
import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SAMPAN_BUILD", ROOT / "build/release"))

PROGRAMS = {
    "camera": ["vz-http", "vz-mqtt", "vz-reply", "vz-led-serial", "isapi-anpr",
               "dahua-itsapi", "dahua-event", "cn-plate", "vin",
               "iccid"],
    "weighbridge": ["yaohua-a9-continuous", "yaohua-a9-command",
                    "scale-ascii", "mt-continuous", "modbus-rtu"],
    "meter": ["dlt645-2007", "dlt645-1997", "cjt188", "modbus-rtu",
              "modbus-tcp", "necc-datacode", "gb32100-uscc"],
}

# What each of devices.json that is not valid has to be refused for.
FAULTS = {
    "dlt645-2007-12": "checksum",
    "dlt645-2007-29": "value",
    "yaohua-a9-continuous-09": "checksum",
    "cn-plate-07": "value",
    "cn-plate-08": "length",
    "vin-03": "checksum",
    "vin-05": "checksum",
    "gb32100-uscc-02": "checksum",
}


def program(name):
    return BUILD / "adapters" / name / f"sampan-{name}"


def vectors(name):
    text = (ROOT / "tests/vectors" / name).read_text(encoding="utf-8")
    return json.loads(text)["vectors"]


def cases():
    for name, protocols in PROGRAMS.items():
        for vector in vectors("devices.json") + vectors("meter_frames.json"):
            if vector["protocol"] in protocols:
                yield pytest.param(name, vector,
                                   id=f"{name}-{vector['id']}")


def decode(name, protocol, data, *options):
    done = subprocess.run([program(name), "--decode", protocol, *options],
                          input=data, capture_output=True, timeout=60,
                          check=False)
    lines = done.stdout.decode("utf-8").splitlines()
    return done.returncode, [json.loads(line) for line in lines]


def same(expected, got):
    """Equal, and of the same kind: 0 is not false, 1.0 may be 1."""
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    return expected == got


@pytest.mark.parametrize("name, vector", cases())
def test_every_vector(name, vector):
    data = vector.get("hex", vector.get("text")).encode("utf-8")
    code, said = decode(name, vector["protocol"], data)
    if not vector["valid"]:
        assert code == 1, said
        error = said[-1]["error"]
        assert set(error) == {"kind", "offset", "text"}
        assert error["kind"] == vector.get("fault",
                                           FAULTS.get(vector["id"]))
        return
    assert code == 0, said
    expected = vector["decoded"]
    expected = expected if isinstance(expected, list) else [expected]
    assert len(said) == len(expected)
    for wanted, frame in zip(expected, said):
        for key, value in wanted.items():
            assert key in frame, (key, frame)
            assert same(value, frame[key]), (key, value, frame[key])


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_protocol_is_listed(name):
    done = subprocess.run([program(name), "--list-protocols"],
                          capture_output=True, text=True, check=True)
    listed = [line.split()[0] for line in done.stdout.splitlines()]
    assert set(PROGRAMS[name]) <= set(listed)


@pytest.mark.parametrize("name, protocol", [
    (name, protocol) for name in PROGRAMS for protocol in PROGRAMS[name]])
def test_what_is_no_frame_is_an_error(name, protocol):
    for data in (b"", b"\n", b"zz", b"0", b"00 00 00", b"\xff\xfe"):
        code, said = decode(name, protocol, data)
        assert code == 1, (data, said)
        assert set(said[-1]["error"]) == {"kind", "offset", "text"}


@pytest.mark.parametrize("name, protocol", [
    (name, protocol) for name in PROGRAMS for protocol in PROGRAMS[name]
    if protocol != "scale-ascii"])
def test_raw_bytes_say_the_same_as_hex(name, protocol):
    vector = next(v for v in vectors("devices.json") + vectors(
        "meter_frames.json") if v["protocol"] == protocol and v["valid"])
    text = vector.get("hex", vector.get("text")).encode("utf-8")
    raw = bytes.fromhex(vector["hex"]) if "hex" in vector else text
    assert decode(name, protocol, raw, "--raw") == decode(
        name, protocol, text)


@pytest.mark.parametrize("name, protocol, vector", [
    ("meter", "modbus-rtu", "modbus-rtu-07"),
    ("meter", "dlt645-2007", "dlt645-2007-15"),
    ("weighbridge", "yaohua-a9-continuous", "yaohua-a9-continuous-06"),
])
def test_a_day_in_one_piece_is_refused_and_not_swallowed(name, protocol,
                                                         vector):
    frame = next(bytes.fromhex(one["hex"]) for one in vectors("devices.json")
                 if one["id"] == vector)
    code, lines = decode(name, protocol, frame * 100_001, "--raw")
    assert code == 1
    assert len(lines) == 100_001
    assert lines[-1]["error"]["kind"] == "limit"
    assert lines[-1]["error"]["offset"] == 100_000 * len(frame)
