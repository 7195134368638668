"""The simulated devices' own reading and writing of frames, against vectors."""

import base64
import datetime
import json
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from simulated import jpeg  # noqa: E402
from simulated.frames import (  # noqa: E402
    FrameError, camera, cjt188, dlt645, modbus, weighing)

VECTORS = {one["id"]: one for one in json.loads(
    (HERE.parent / "vectors/devices.json").read_text(encoding="utf-8"))[
        "vectors"]}
DECODERS = {
    "dlt645-2007": dlt645.decode,
    "dlt645-1997": lambda raw: dlt645.decode(raw, 1997),
    "cjt188": cjt188.decode,
    "yaohua-a9-continuous": weighing.decode_a9,
    "yaohua-a9-command": weighing.decode_a9_command,
    "scale-ascii": weighing.decode_line,
    "mt-continuous": weighing.decode_toledo,
    "modbus-rtu": modbus.decode,
    "vz-http": camera.decode_vz,
    "vz-mqtt": camera.decode_vz_mqtt,
    "vz-reply": camera.decode_vz_reply,
    "vz-led-serial": camera.decode_vz_led,
    "isapi-anpr": camera.decode_isapi,
    "dahua-itsapi": camera.decode_dahua,
    "dahua-event": camera.decode_dahua_event,
}
OURS = [one for one in VECTORS.values() if one["protocol"] in DECODERS]


def raw(vector) -> bytes:
    return bytes.fromhex(vector["hex"]) if "hex" in vector \
        else vector["text"].encode("utf-8")


def names(vector):
    return vector["id"]


@pytest.mark.parametrize("vector", [v for v in OURS if v["valid"]], ids=names)
def test_vector_is_decoded_with_every_field(vector):
    told = DECODERS[vector["protocol"]](raw(vector))
    wrong = {name: (told.get(name, "absent"), wanted)
             for name, wanted in vector["decoded"].items()
             if told.get(name, "absent") != wanted}
    assert not wrong


@pytest.mark.parametrize("vector", [v for v in OURS if not v["valid"]],
                         ids=names)
def test_vector_that_is_wrong_is_refused(vector):
    with pytest.raises(FrameError):
        DECODERS[vector["protocol"]](raw(vector))


# ---- what the devices write

def remake_645(told, edition):
    """The frame a device or its reader makes of the fields."""
    control = int(told["control"], 16)
    data = b""
    if "error_word" in told:
        data = bytes.fromhex(told["error_word"])
    elif "read_address" in told:
        data = dlt645.identifier(told["read_address"])
    elif "di" in told:
        data = dlt645.identifier(told["di"])
        if "value" in told and "extra_payload_bytes" not in told:
            data += dlt645.payload(told["di"], told["value"], edition)
        elif "payload" in told:
            data += bytes.fromhex(told["payload"])
    return dlt645.encode(told["address"], control, data, 0)


@pytest.mark.parametrize("vector", [
    v for v in OURS if v["protocol"].startswith("dlt645") and v["valid"]],
    ids=names)
def test_dlt645_frame_is_written_byte_for_byte(vector):
    made = remake_645(vector["decoded"], int(vector["protocol"][-4:]))
    prefix = raw(vector)[:vector["decoded"]["prefix_bytes"]]
    assert prefix + made == raw(vector)


@pytest.mark.parametrize("number,swapped,preamble,ser", [
    (1, False, 4, 0), (4, False, 0, 0), (10, True, 0, 0x90), (11, True, 4, 0)])
def test_cjt188_request_is_written_byte_for_byte(number, swapped, preamble,
                                                 ser):
    vector = VECTORS[f"cjt188-{number:02d}"]
    told = vector["decoded"]
    assert cjt188.request(int(told["type"], 16), told["address"],
                          swapped=swapped, ser=ser, preamble=preamble) \
        == raw(vector)


@pytest.mark.parametrize("number,ser", [(7, 0xa7), (8, 2)])
def test_cjt188_address_request_is_written_byte_for_byte(number, ser):
    assert cjt188.request(
        cjt188.WATER, cjt188.WILDCARD, cjt188.ADDRESS, ser=ser, preamble=0,
        control=cjt188.READ_ADDRESS) == raw(VECTORS[f"cjt188-{number:02d}"])


def test_cjt188_address_reply_is_written_byte_for_byte():
    assert b"\xff" + cjt188.encode(
        cjt188.WATER, "20260324152900", 0x83, b"\x0a\x81\x02") \
        == raw(VECTORS["cjt188-09"])


@pytest.mark.parametrize("number,moment,swapped,preamble", [
    (2, datetime.datetime(2015, 5, 11, 22, 1, 31), False, 0),
    (3, None, True, 3), (5, None, True, 3)])
def test_cjt188_water_reply_is_written_byte_for_byte(number, moment, swapped,
                                                     preamble):
    vector = VECTORS[f"cjt188-{number:02d}"]
    told = vector["decoded"]
    assert cjt188.encode(
        cjt188.WATER, told["address"], 0x81,
        cjt188.di_bytes(cjt188.CURRENT, swapped) + b"\0" + cjt188.water(
            told["total"], told["settle"], moment,
            bytes.fromhex(told["status"])), preamble) == raw(vector)


def test_cjt188_heat_reply_is_written_byte_for_byte():
    told = VECTORS["cjt188-06"]["decoded"]
    values = [told[name] for name, _ in cjt188.HEAT_VALUES]
    assert cjt188.encode(
        cjt188.HEAT, told["address"], 0x81, b"\x90\x1f\0" + cjt188.heat(
            values, told["supply_c"], told["return_c"], told["work_hours"],
            datetime.datetime(2015, 3, 31, 23, 57, 26),
            bytes.fromhex(told["status"]), unit_first=True)) \
        == raw(VECTORS["cjt188-06"])


def test_cjt188_heat_is_read_in_both_orders():
    values = (1234.5, 1300.25, 12.75, 1.2345, 99.5)
    for first in (False, True):
        told = cjt188.decode(cjt188.encode(
            cjt188.HEAT, "42590008210438", 0x81, b"\x1f\x90\0" + cjt188.heat(
                values, 61.25, 40.5, 7, unit_first=first)))
        assert [told[name] for name, _ in cjt188.HEAT_VALUES] == list(values)
        assert (told["supply_c"], told["return_c"]) == (61.25, 40.5)


@pytest.mark.parametrize("vector", [
    v for v in OURS if v["protocol"].startswith("yaohua") and v["valid"]],
    ids=names)
def test_yaohua_frame_is_written_byte_for_byte(vector):
    told = vector["decoded"]
    if "command" not in told:
        made = weighing.a9(told["value"], told["decimals"])
    elif "value" in told:
        made = weighing.a9_reply(told["command"], told["value"],
                                 told["decimals"], told["address"])
    else:
        made = weighing.a9_request(told["command"], told["address"])
    assert made == raw(vector)


@pytest.mark.parametrize("number,made", [
    (1, weighing.st_gs(13.88, decimals=2)),
    (2, weighing.a12(-0.1, "wn")),
    (3, weighing.a12(1.171, "wn", 3)),
    (4, weighing.d2(70.15, 2) + b"="),
    (5, weighing.xk3118(4.8)),
    (6, weighing.indexed(7.12))])
def test_scale_line_is_written_byte_for_byte(number, made):
    assert made == raw(VECTORS[f"scale-ascii-{number:02d}"])


@pytest.mark.parametrize("number,made", [
    (2, weighing.toledo(610)), (3, weighing.toledo(1330)),
    # the fixed zero stands in the field: it counts tens
    (4, weighing.toledo(1200, factor=10, increment=2, pad=" ")[:11]
     + b"    0\r")])
def test_toledo_frame_is_written_byte_for_byte(number, made):
    assert made == raw(VECTORS[f"mt-continuous-{number:02d}"])


def test_toledo_checksum_is_written_as_captured():
    whole = raw(VECTORS["mt-continuous-01"])
    assert weighing.toledo_check(whole[:-1]) == whole[-1]


@pytest.mark.parametrize("vector", [
    v for v in OURS if v["protocol"] == "modbus-rtu"], ids=names)
def test_modbus_crc_is_that_of_the_vector(vector):
    frame = raw(vector)
    assert modbus.crc(frame[:-2]) == frame[-2:]


# ---- what the devices write is what they read

SCENE, CUTOUT = jpeg.make(1, "scene"), jpeg.make(0.5, "cut")


def passage(**other):
    return camera.Passage(**{
        "plate": "云A12345", "color": "yellow", "number": 7, "event_id": "u-7",
        "moment": datetime.datetime(2026, 11, 20, 8, 30, 45, 250000,
                                    camera.CHINA),
        "scene": SCENE, "cutout": CUTOUT,
        **other})


@pytest.mark.parametrize("color", camera.VZ_COLORS)
def test_colours_survive_every_maker(color):
    one = passage(color=color)
    vz = json.dumps(camera.vz(one, "s1"))
    assert camera.decode_vz(vz)["color"] == color
    over = json.dumps(camera.vz_mqtt(one, "s1"))
    assert camera.decode_vz_mqtt(over)["color"] == color
    assert camera.decode_dahua(json.dumps(camera.dahua(one, "d")))[
        "color"] == color


def test_vz_message_holds_what_was_seen():
    message = camera.vz(passage(), "s1", history=True)
    told = camera.decode_vz(json.dumps(message))
    assert told["plate"] == "云A12345" and told["device"] == "s1"
    assert told["utc"] == "2026-11-20T00:30:45.250Z" and told["offline"]
    result = message["AlarmInfoPlate"]["result"]["PlateResult"]
    picture = base64.b64decode(result["imageFile"])
    assert picture == SCENE
    assert result["imageFileLen"] == len(picture)


def test_vz_over_mqtt_comes_first_without_pictures():
    quick = camera.vz_mqtt(passage(), "s1", "quick_ivs_result")
    assert "image" not in json.dumps(quick)
    whole = camera.vz_mqtt(passage(), "s1")["payload"]["AlarmInfoPlate"][
        "result"]["PlateResult"]
    assert base64.b64decode(whole["full_image_content"]) == SCENE
    assert base64.b64decode(whole["license"]).decode() == "云A12345"


@pytest.mark.parametrize("plate,color,text", [
    ("云A12345", "yellow", "黄云A12345"), ("KH35192", "other", "KH35192"),
    ("", "other", "noPlate")])
def test_isapi_message_holds_what_was_seen(plate, color, text):
    xml = camera.isapi(passage(plate=plate, color=color), "44:a6:42:f3:2a:d7")
    assert f"<licensePlate>{text}</licensePlate>".encode() in xml
    told = camera.decode_isapi(xml)
    assert told["plate"] == plate and told["mac"] == "44a642f32ad7"
    assert told["color"] == (None if color == "other" else color)
    assert told["utc"] == "2026-11-20T00:30:45.250Z" and told["pictures"] == 2


def test_multipart_with_an_odd_boundary_is_found_again():
    parts = camera.isapi_parts(passage(), "44:a6:42:f3:2a:d7")
    body = camera.multipart(parts, "----odd'()+_,-./:=?b")
    pieces = body.split(b"\r\n------odd'()+_,-./:=?b")
    assert len(pieces) == len(parts) + 1 and pieces[-1] == b"--\r\n"
    for piece, part in zip(pieces, parts):
        assert piece.endswith(part[3])


def test_dahua_message_comes_with_and_without_pictures():
    bare = camera.decode_dahua(json.dumps(camera.dahua(passage(), "d1", False)))
    whole = camera.decode_dahua(json.dumps(camera.dahua(passage(), "d1")))
    assert bare["pictures"] == [] and whole["pictures"] == ["NormalPic",
                                                            "CutoutPic"]
    assert bare["local_time"] == whole["local_time"] \
        == "2026-11-20 08:30:45.250"


def test_negative_power_has_the_sign_in_its_last_byte():
    data = dlt645.payload("02030000", -12.3456)
    assert data == bytes.fromhex("563492")  # 12.3456, low first, top bit
    told = dlt645.decode(dlt645.encode("000000000001", 0x91,
                                       dlt645.identifier("02030000") + data))
    assert told["value"] == -12.3456 and told["unit"] == "kW"


@pytest.mark.parametrize("raw", [b"", b"\x68", b"\x68" * 40, b"\x00" * 40])
def test_rubbish_holds_no_frame(raw):
    for edition in (2007, 1997):
        with pytest.raises(FrameError):
            dlt645.decode(raw, edition)
    with pytest.raises(FrameError):
        cjt188.decode(raw)
