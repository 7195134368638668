"""The verbs of devices.py for devices that speak their makers' protocols."""

import json

from . import ledger, modbus_meters, scales, wired
from .cameras import KINDS as CAMERAS

VERBS = ("indicator", "bus", "modbus", "pushes", "plant")


def common(one, faults):
    one.add_argument("--seconds", type=float)
    one.add_argument("--seed", type=int, default=0)
    one.add_argument("--log", help="one JSON line a truck or passage")
    if faults:
        one.add_argument("--fault", action="append", metavar="KIND=CHANCE",
                         help=faults)
    return one


LINE_FAULTS = "noise torn wrong cut duplicate flood silence disconnect"


def add_verbs(kinds):
    one = common(kinds.add_parser("indicator", help="a weighing indicator"),
                 LINE_FAULTS)
    one.add_argument("--model", default="a9", choices=scales.KINDS)
    one.add_argument("--wire", required=True, metavar="pty:PATH|tcp:PORT")
    one.add_argument("--rate", type=float, default=10.0, help="frames a second")
    one.add_argument("--count", type=int, help="trucks")
    one.add_argument("--stand", type=float, default=2.5, metavar="SECONDS",
                     help="how long a truck stands still")

    one = common(kinds.add_parser("bus", help="meters of DL/T 645, CJ/T 188"),
                 LINE_FAULTS)
    one.add_argument("--wire", required=True, metavar="pty:PATH|tcp:PORT")
    one.add_argument("--meter", action="append", required=True,
                     metavar="PROTOCOL:ADDRESS", help="dlt645-2007, "
                     "dlt645-1997, cjt188 or cjt188-heat; may be repeated")
    one.add_argument("--power-kw", type=float, default=60.0)
    one.add_argument("--echo", action="store_true")
    one.add_argument("--registration", default="", metavar="HEX",
                     help="what a serial server puts in front")

    one = common(kinds.add_parser("modbus", help="Modbus meters"), LINE_FAULTS)
    one.add_argument("--wire", required=True, metavar="pty:PATH|tcp:PORT")
    one.add_argument("--unit", action="append", required=True,
                     metavar="NUMBER=MODEL",
                     help=" ".join(modbus_meters.MODELS))
    one.add_argument("--framing", default="rtu", choices=("rtu", "tcp"))
    one.add_argument("--low-first", action="store_true",
                     help="the low word of a value in front")
    one.add_argument("--glitch", action="store_true")

    one = common(kinds.add_parser("pushes", help="a plate camera"),
                 "torn cut duplicate")
    one.add_argument("--model", default="vz", choices=sorted(CAMERAS))
    one.add_argument("--to", required=True, metavar="URL|FOLDER")
    one.add_argument("--id", default="camera-1")
    one.add_argument("--user")
    one.add_argument("--password-file")
    one.add_argument("--ledger", help="CSV of the vehicles")
    one.add_argument("--rate", type=float, default=1.0)
    one.add_argument("--count", type=int)
    one.add_argument("--picture-kb", type=float, default=0.0)

    one = common(kinds.add_parser("plant", help="all that a plan describes"),
                 None)
    one.add_argument("--plan", required=True, help="JSON, see wired.py")
    one.add_argument("--ledger", help="CSV of the vehicles")
    one.add_argument("--count", type=int, help="vehicles a lane")
    one.add_argument("--picture-kb", type=float, default=0.0)


def plan_of(found):
    """Each of the smaller verbs is a plan too."""
    if found.kind == "plant":
        with open(found.plan, encoding="utf-8") as file:
            return json.load(file)
    if found.kind == "indicator":
        return {"lanes": [{"scale": {
            "kind": found.model, "name": found.model, "wire": found.wire,
            "rate": found.rate, "faults": found.fault,
            "script": {"stand": found.stand}}}]}
    if found.kind == "pushes":
        camera = {"kind": found.model, "name": found.id, "where": found.to,
                  "faults": found.fault}
        for key in ("user", "password_file"):
            if getattr(found, key):
                camera[key] = getattr(found, key)
        return {"lanes": [{"head": camera, "every_s": 1 / found.rate}]}
    line = {"wire": found.wire, "faults": found.fault}
    if found.kind == "modbus":
        line.update(framing=found.framing, glitch=found.glitch,
                    low_first=found.low_first,
                    units=dict(one.split("=") for one in found.unit))
    else:
        line.update(echo=found.echo, registration=found.registration, meters=[
            meter_of(one, found.power_kw) for one in found.meter])
    return {"lines": [line]}


def meter_of(text, power_kw):
    protocol, _, address = text.partition(":")
    told = {"protocol": protocol, "address": address}
    if protocol.startswith("dlt645"):
        told["load"] = {"power_kw": power_kw}
    return told


def run(found, stopping):
    rows = ledger.read(found.ledger) if getattr(found, "ledger", None) \
        else ledger.plain()
    log = open(found.log, "a", encoding="utf-8") if found.log else None
    try:
        return wired.World(
            plan_of(found), stopping, rows, found.seconds,
            getattr(found, "count", None), getattr(found, "picture_kb", 0.0),
            found.seed, log).run()
    finally:
        if log:
            log.close()
