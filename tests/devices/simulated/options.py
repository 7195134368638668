"""The options of devices.py."""

import argparse

from . import ledger, wired_options
from .link import IN_FLIGHT, RESEND_S


def connection_options(parser):
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--user")
    parser.add_argument("--password-file")
    parser.add_argument("--tls-ca")
    parser.add_argument("--mqtt", type=int, choices=(3, 5), default=5,
                        help="3: version 3.1.1")


def device_options(parser, ids):
    connection_options(parser)
    parser.add_argument("--site", required=True)
    parser.add_argument("--shared", action="store_true",
                        help="one connection for all devices")
    parser.add_argument("--outbox", metavar="FOLDER",
                        help="keep events in files there")
    parser.add_argument("--in-flight", type=int, default=IN_FLIGHT)
    parser.add_argument("--resend", type=float, default=RESEND_S,
                        metavar="SECONDS")
    parser.add_argument("--linger", type=float, default=20.0, metavar="SECONDS",
                        help="wait so long for the last receipts")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--count", type=int)
    parser.add_argument("--seed", type=int)
    if ids:
        parser.add_argument("--id", action="append", metavar="ID",
                            help=f"device id, may be repeated; {ids}")
        parser.add_argument("--rate", type=float, default=1.0,
                            help="events a second and device")
        parser.set_defaults(default_id=ids)


def read_arguments(arguments):
    parser = argparse.ArgumentParser(prog="devices.py", description="Simulated field devices; see README.md beside it.")
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind, default in (("camera", "camera-1"),
                          ("weighbridge", "scale-1"), ("meter", "meter-1")):
        one = kinds.add_parser(kind)
        device_options(one, default)
        if kind == "camera":
            one.add_argument("--picture-kb", type=float, default=0.0)
            one.add_argument("--direction", default="in",
                             choices=("in", "out"))
        if kind != "meter":
            one.add_argument("--ledger", help="CSV of the vehicles")
        else:
            one.add_argument("--register", default="import_kwh")
            one.add_argument("--unit", default="kWh")
            one.add_argument("--power-kw", type=float, default=100.0)
            one.add_argument("--backfill", default="yesterday", help=
                             "readings at every mark of the past, as a meter "
                             "that remembers: yesterday (from its 00:00), "
                             "none, or hours")
            one.add_argument("--interval", type=int, default=15,
                             choices=(15, 30, 60), help="minutes a mark")
            one.set_defaults(rate=0.2)
    gate_options(kinds.add_parser("gate"))
    record_options(kinds.add_parser("record"))
    flood_options(kinds.add_parser("flood"))
    wired_options.add_verbs(kinds)
    one = kinds.add_parser("ledger", help="write a vehicle ledger")
    one.add_argument("--count", type=int, default=50)
    one.add_argument("--enterprise", default=ledger.ENTERPRISE)
    one.add_argument("--seed", type=int)
    return parser.parse_args(arguments)


def gate_options(one):
    device_options(one, None)
    one.add_argument("--lane", action="append", metavar=
                     "NAME=in|out[:HEAD,BODY,SCALE]", help=
                     "default: in=in and out=out, with the devices "
                     "cam-NAME-head, cam-NAME-body, scale-NAME; an empty "
                     "BODY or SCALE: there is none")
    one.add_argument("--ledger", help="CSV: plate,color,vehicleId,vin,tare_t")
    one.add_argument("--rate", type=float, default=0.5,
                     help="vehicles a second, all lanes together")
    one.add_argument("--picture-kb", type=float, default=0.0)
    one.add_argument("--offset-scale", type=float, help=
                     "stretch between head, body and weight; 1: seconds")
    one.add_argument("--weight-plate", action="store_true",
                     help="weights carry the plate")
    one.add_argument("--no-body-plate", action="store_true")
    one.add_argument("--log", help="one JSON line a passage")


def record_options(one):
    device_options(one, None)
    one.add_argument("--destination", required=True)
    one.add_argument("--interface", required=True)
    one.add_argument("--file", help="one record a line, JSON")
    one.add_argument("--record", help="one record; {n} is its number")
    one.add_argument("--rate", type=float, default=1.0)


def flood_options(one):
    connection_options(one)
    one.add_argument("--topic", required=True)
    one.add_argument("--count", type=int, default=1000)
    one.add_argument("--size", type=int, default=1024)
    one.add_argument("--rate", type=float)
    one.add_argument("--in-flight", type=int, default=20)
    one.add_argument("--prefix")
    one.add_argument("--linger", type=float, default=20.0)
