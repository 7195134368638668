"""What the devices say: the payloads of capture, weight, reading, record."""

import base64
import datetime
import itertools
import time

CHINA = datetime.timezone(datetime.timedelta(hours=8))
_counter = itertools.count(1)
_began = int(time.time() * 1000)


def stamp(moment=None) -> str:
    moment = moment or datetime.datetime.now(CHINA)
    return moment.astimezone(CHINA).isoformat(timespec="milliseconds")


def new_id(device: str) -> str:
    """Unique over restarts: the device, this start and a running number."""
    return f"{device}-{_began:x}-{next(_counter)}"


def capture(device, plate, color, direction, pictures, confidence=97.0,
            event_id=None):
    return {"event_id": event_id or new_id(device), "time": stamp(),
            "plate": plate, "color": color, "direction": direction,
            "confidence": confidence, "pictures": [
                {"kind": kind, "jpeg": base64.b64encode(jpeg).decode()}
                for kind, jpeg in pictures]}


def weight(device, gross_kg, plate=None, event_id=None):
    event = {"event_id": event_id or new_id(device), "time": stamp(),
             "gross": gross_kg, "unit": "kg", "stable": True}
    if plate:
        event["plate"] = plate
    return event


def reading(device, registers, moment=None, event_id=None):
    """registers: name -> (value, unit)"""
    return {"event_id": event_id or new_id(device), "time": stamp(moment),
            "registers": {name: {"value": value, "unit": unit}
                          for name, (value, unit) in registers.items()}}


def record(source, content, event_id=None):
    return {"event_id": event_id or new_id(source), "time": stamp(),
            "record": content}
