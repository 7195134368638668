"""What plate cameras say: VZ, Hikvision ISAPI, Dahua ITSAPI and event stream.

Makers of messages take a Passage; decode_* answer the vectors' names.
"""

import base64
import datetime
import json
import re
import xml.etree.ElementTree
from dataclasses import dataclass, field

from . import FrameError, modbus, spaced

CHINA = datetime.timezone(datetime.timedelta(hours=8))
PROVINCES = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"

VZ_COLORS = {"other": 0, "blue": 1, "yellow": 2, "white": 3, "black": 4,
             "green": 5, "yellow_green": 6}
VZ_DIRECTIONS = ("unknown", "left", "right", "up", "down")
VZ_TRIGGERS = {1: "automatic", 2: "io-input", 4: "software",
               8: "coil", 64: "stay", 65: "stay-ended",
               66: "turned-back"}
VZ_KINDS = {14: "澳门进出内地", 26: "海外车牌"}
VZ_NONE = "_无_"
ISAPI_COLORS = {"blue": "blue", "yellow": "yellow", "white": "white",
                "black": "black", "green": "newEnergyGreen",
                "yellow_green": "newEnergyYellowGreen", "other": "unknown"}
ISAPI_PREFIXES = {"蓝": "blue", "黄": "yellow", "白": "white", "黑": "black",
                  "绿": "green"}
DAHUA_COLORS = {"blue": "Blue", "yellow": "Yellow", "white": "White",
                "black": "Black", "green": "Green",
                "yellow_green": "YellowGreen", "other": "Unknown"}


@dataclass
class Passage:
    plate: str             # "": none was read
    color: str
    moment: datetime.datetime
    number: int            # the camera's own counter
    event_id: str          # UUID
    direction: str = "in"
    confidence: int = 97
    scene: bytes = b""     # JPEG
    cutout: bytes = b""    # JPEG of the plate
    extra: dict = field(default_factory=dict)


def encoded(jpeg) -> str:
    return base64.b64encode(jpeg).decode("ascii")


# ---- VZ and relatives

def vz_result(passage, history=False) -> dict:
    local = passage.moment.astimezone(CHINA)
    result = {
        "bright": 0, "carBright": 0, "carColor": 255, "colorValue": 0,
        "colorType": VZ_COLORS[passage.color], "confidence":
        passage.confidence, "direction": 4, "gioouts": [], "isoffline":
        int(history), "is_fake_plate": 0, "license": passage.plate or VZ_NONE,
        "plateid": passage.number, "timeUsed": 0, "triggerType": 8,
        "type": 19 if passage.color == "green" else 1 if passage.plate else 31,
        "timeStamp": {"Timeval": {
            "sec": int(local.timestamp()), "usec": local.microsecond,
            "decyear": local.year, "decmon": local.month,
            "decday": local.day, "dechour": local.hour,
            "decmin": local.minute, "decsec": local.second}}}
    for name, jpeg in (("imageFile", passage.scene),
                       ("imageFragmentFile", passage.cutout)):
        if jpeg:
            result[name] = encoded(jpeg)
            result[name + "Len"] = len(jpeg)
    return result


def vz(passage, serial, history=False) -> dict:
    return {"AlarmInfoPlate": {
        "channel": 0, "deviceName": "IVS", "ipaddr": "127.0.0.1",
        "serialno": serial, "result": {"PlateResult": vz_result(passage,
                                                               history)}}}


def vz_heartbeat(serial) -> dict:
    return {"AlarmInfoPlate": {"channel": 0, "deviceName": "", "ipaddr":
                               "127.0.0.1", "serialno": serial,
                               "heartbeat": 1}}


def vz_mqtt(passage, serial, name="ivs_result") -> dict:
    """ivs_result with pictures; quick_ivs_result, earlier, without."""
    result = vz_result(passage)
    result["license"] = encoded(result["license"].encode("utf-8"))
    result["color"] = result.pop("colorType")
    pictures = {}
    for old, new in (("imageFile", "full_image_content"),
                     ("imageFragmentFile", "small_image_content")):
        if old in result:
            result.pop(old + "Len")
            jpeg = result.pop(old)
            if name == "ivs_result":
                pictures[new] = jpeg
    result.update(pictures)
    return {"sn": serial, "name": name, "version": "1.0",
            "timestamp": int(passage.moment.timestamp()), "payload": {
                "AlarmInfoPlate": {"ipaddr": "127.0.0.1", "result":
                                   {"PlateResult": result}}}}


def at(seconds, millisecond, zone) -> str:
    moment = datetime.datetime.fromtimestamp(seconds, zone).replace(
        microsecond=millisecond * 1000, tzinfo=None)
    return moment.isoformat(
        timespec="milliseconds" if millisecond else "seconds")


def utc(seconds, millisecond=0) -> str:
    return at(seconds, millisecond, datetime.timezone.utc) + "Z"


def iso_utc(text) -> str:
    moment = datetime.datetime.fromisoformat(text).astimezone(
        datetime.timezone.utc)
    return moment.isoformat(timespec="milliseconds" if moment.microsecond
                            else "seconds").replace("+00:00", "Z")


def color_word(table, value):
    for word, code in table.items():
        if code == value:
            return word
    return None


def decode_vz(raw) -> dict:
    told = json.loads(raw)
    if "SerialData" in told:
        data = base64.b64decode(told["SerialData"]["data"], validate=True)
        return {"kind": "serial", "port": told["SerialData"]["serialChannel"],
                "bytes": spaced(data), "length": len(data)}
    alarm = told["AlarmInfoPlate"]
    if "result" not in alarm:
        return {"kind": "heartbeat", "device": alarm["serialno"],
                "capture": False}
    result = alarm["result"]["PlateResult"]
    when = result.get("timeStamp", {}).get("Timeval", {})
    second = when.get("sec")
    millisecond = when.get("usec", 0) // 1000
    color = color_word(VZ_COLORS, result.get("colorType", 0))
    decoded = {
        "plate": "" if result["license"] == VZ_NONE else result["license"],
        "color": color, "new_energy": color in ("green", "yellow_green"),
        "plate_kind": VZ_KINDS.get(result.get("type")),
        "type_raw": result.get("type"), "confidence": result["confidence"],
        "direction": VZ_DIRECTIONS[result.get("direction", 0)],
        "trigger": VZ_TRIGGERS.get(result.get("triggerType")),
        "plateid": result.get("plateid"),
        "offline": bool(result.get("isoffline", 0)),
        "utc": None if second is None else utc(second, millisecond),
        "device": alarm["serialno"]}
    if second is not None:
        decoded["local_cst"] = at(second, millisecond, CHINA)
    return decoded


def decode_vz_mqtt(raw) -> dict:
    told = json.loads(raw)
    result = told["payload"]["AlarmInfoPlate"]["result"]["PlateResult"]
    plate = base64.b64decode(result["license"], validate=True).decode("utf-8")
    return {"topic": f"{told['sn']}/device/message/up/{told['name']}",
            "plate": "" if plate == VZ_NONE else plate,
            "color": color_word(VZ_COLORS, result["color"]),
            "confidence": result["confidence"], "device": told["sn"]}


def decode_vz_reply(raw) -> dict:
    """What the camera does on an answer of its server."""
    answer = json.loads(raw)["Response_AlarmInfoPlate"]
    does = {"opens_barrier": answer.get("info") == "ok",
            "stops_resend": answer.get("content") == "retransfer_stop",
            "manual_trigger": answer.get("manualTrigger") == "ok",
            "continue": answer.get("ContinuePushOffline", {}).get(
                "continue") == 1}
    relay = answer.get("ivs_ioctrl")
    if relay and relay["value"] == 2:
        does["io"], does["pulse_ms"] = relay["io"], relay["delay"]
    return does


def decode_vz_led(raw) -> dict:
    data = base64.b64decode(raw, validate=True)
    words = re.search(rb"(?:[\xa1-\xfe][\xa1-\xfe]|,)+", data[7:])
    return {"bytes": spaced(data), "length": len(data),
            "gbk_text": words.group().decode("gbk") if words else "",
            "crc_modbus_ok": modbus.crc(data[:-2]) == data[-2:]}


# ---- Hikvision ISAPI

def isapi(passage, mac, history=False, prefix_color=True) -> bytes:
    """EventNotificationAlert; a Chinese plate begins with its colour."""
    words = {color: word for word, color in ISAPI_PREFIXES.items()}
    words["yellow_green"] = "绿"
    plate = passage.plate or "noPlate"
    if prefix_color and plate[0] in PROVINCES:
        plate = words.get(passage.color, "") + plate
    forward = "forward" if passage.direction == "in" else "reverse"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<EventNotificationAlert version="2.0" \
xmlns="http://www.hikvision.com/ver20/XMLSchema">
<ipAddress>127.0.0.1</ipAddress>
<macAddress>{mac}</macAddress>
<channelID>1</channelID>
<dateTime>{passage.moment.isoformat(timespec="milliseconds")}</dateTime>
<activePostCount>1</activePostCount>
<eventType>ANPR</eventType>
<eventState>active</eventState>
<eventDescription>ANPR</eventDescription>
<ANPR>
<licensePlate>{plate}</licensePlate>
<line>1</line>
<direction>{forward}</direction>
<confidenceLevel>{passage.confidence}</confidenceLevel>
<plateType>unknown</plateType>
<plateColor>{ISAPI_COLORS[passage.color]}</plateColor>
<vehicleType>truck</vehicleType>
<detectDir>8</detectDir>
<detectType>0</detectType>
<barrierGateCtrlType>1</barrierGateCtrlType>
<alarmDataType>{int(history)}</alarmDataType>
<vehicleInfo><index>{passage.number}</index><vehicleType>2</vehicleType>\
<color>white</color></vehicleInfo>
</ANPR>
<UUID>{passage.event_id}</UUID>
<picNum>{bool(passage.scene) + bool(passage.cutout)}</picNum>
<channelName>gate</channelName>
</EventNotificationAlert>
""".encode("utf-8")


def multipart(parts, boundary) -> bytes:
    """parts: (name, filename, content type, content)"""
    body = b""
    for name, filename, kind, content in parts:
        body += (f"--{boundary}\r\nContent-Disposition: form-data; "
                 f'name="{name}"; filename="{filename}"\r\n'
                 f"Content-Type: {kind}\r\n"
                 f"Content-Length: {len(content)}\r\n\r\n").encode("utf-8")
        body += content + b"\r\n"
    return body + f"--{boundary}--\r\n".encode("ascii")


def isapi_parts(passage, mac, **options):
    parts = [("anpr.xml", "anpr.xml", "text/xml",
              isapi(passage, mac, **options))]
    for name, jpeg in (("licensePlatePicture.jpg", passage.cutout),
                       ("detectionPicture.jpg", passage.scene)):
        if jpeg:
            parts.append((name, name, "image/jpeg", jpeg))
    return parts


def strip_color(plate):
    """(plate, colour or None) of a plate that may begin with its colour."""
    if len(plate) > 2 and plate[0] in ISAPI_PREFIXES \
            and plate[1] in PROVINCES:
        return plate[1:], ISAPI_PREFIXES[plate[0]]
    return plate, None


def decode_isapi(raw) -> dict:
    text = raw if isinstance(raw, str) else raw.decode("utf-8")
    if not text.lstrip().startswith("<"):  # a plate alone
        plate, color = strip_color(text)
        return {"plate": plate, "color_from_prefix": color}
    root = xml.etree.ElementTree.fromstring(text)

    def find(*names):
        """Text at a path of local names, None without it."""
        at = root
        for name in names:
            at = next((one for one in at
                       if one.tag.rpartition("}")[2] == name), None)
            if at is None:
                return None
        return (at.text or "").strip()

    if find("eventType") != "ANPR":
        return {"kind": "other"}
    plate, color = strip_color(find("ANPR", "licensePlate"))
    told_color = color_word(ISAPI_COLORS, find("ANPR", "plateColor"))
    color = color if told_color in (None, "other") else told_color
    told = {"plate": "" if plate in ("unknown", "noPlate") else plate,
            "color": None if color == "other" else color,
            "direction": find("ANPR", "direction"),
            "history": find("ANPR", "alarmDataType") == "1",
            "barrier_already_open": find("ANPR", "barrierGateCtrlType") == "0",
            "pictures": int(find("picNum") or 0),
            "vehicle_color": find("ANPR", "vehicleInfo", "color"),
            "vehicle_type_gat": find("VehicleGATInfo", "vehicleTypeByGAT")}
    for name, kind, path in (
            ("confidence", float, ("ANPR", "confidenceLevel")),
            ("lane", int, ("ANPR", "line")),
            ("plate_type_gat", int, ("VehicleGATInfo", "palteTypeByGAT")),
            ("mac", lambda mac: mac.replace(":", "").lower(),
             ("macAddress",)),
            ("utc", iso_utc, ("dateTime",))):
        if find(*path):
            told[name] = kind(find(*path))
    return told


# ---- Dahua

DAHUA_KEEPALIVE = "/NotificationInfo/KeepAlive"
DAHUA_PASSAGE = "/NotificationInfo/TollgateInfo"


def dahua(passage, device, pictures=True) -> dict:
    local = passage.moment.astimezone(CHINA)
    stamp = local.strftime("%Y-%m-%d %H:%M:%S.") \
        + f"{local.microsecond // 1000:03d}"
    picture = {
        "Plate": {"PlateNumber": passage.plate, "PlateColor":
                  DAHUA_COLORS[passage.color], "PlateType": "Normal",
                  "Confidence": passage.confidence, "Channel": 0,
                  "IsExist": bool(passage.plate)},
        "Vehicle": {"VehicleType": "HeavyTruck", "VehicleColor": "White",
                    "Speed": 9},
        "SnapInfo": {"DeviceID": device, "AccurateTime": stamp,
                     "SnapTime": stamp[:-4], "Direction": "Obverse"}}
    for name, jpeg in (("NormalPic", passage.scene),
                       ("CutoutPic", passage.cutout)):
        if pictures and jpeg:
            picture[name] = {"Content": encoded(jpeg), "PicName":
                             f"{passage.plate}-{local:%Y%m%d%H%M%S}.jpg"}
    return {"Picture": picture}


def dahua_keepalive(device) -> dict:
    return {"Active": "keepAlive", "DeviceID": device}


def decode_dahua(raw) -> dict:
    told = json.loads(raw)
    if "Active" in told:
        return {"path": DAHUA_KEEPALIVE, "kind": "heartbeat",
                "device": told["DeviceID"]}
    picture = told.get("Picture", told)
    plate, snap = picture["Plate"], picture.get("SnapInfo", {})
    decoded = {"plate": plate["PlateNumber"], "device": snap.get("DeviceID"),
               "local_time": snap.get("AccurateTime") or snap.get("SnapTime")}
    color = color_word(DAHUA_COLORS, plate.get("PlateColor")
                       or plate.get("Color"))
    if color:
        decoded["color"] = color
    raw_confidence = plate.get("Confidence")
    if raw_confidence is not None:
        decoded["confidence_raw"] = raw_confidence
        decoded["confidence_percent"] = raw_confidence if \
            raw_confidence <= 100 else round(raw_confidence * 100 / 255)
    decoded["pictures"] = [
        name for name in ("NormalPic", "CutoutPic", "VehiclePic")
        if picture.get(name, {}).get("Content")]
    return decoded


def decode_dahua_event(raw) -> dict:
    text = raw if isinstance(raw, str) else raw.decode("utf-8")
    if text.strip() == "Heartbeat":
        return {"kind": "heartbeat"}
    if text.startswith("Code="):
        told = json.loads(text[text.index("data=") + 5:])
        return {"plate_raw": told["TrafficCar"]["PlateNumber"],
                "utc": utc(told["UTC"]), "speed": told.get("Speed")}
    lines = dict(line.split("=", 1) for line in text.splitlines() if line)
    if "Events[0].TrafficCar.PlateNumber" not in lines:
        raise FrameError("missing", "no plate")
    return {"plate": lines["Events[0].TrafficCar.PlateNumber"].upper(),
            "group": int(lines["Events[0].GroupID"])}
