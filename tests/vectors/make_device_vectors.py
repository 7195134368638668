#!/usr/bin/python3
"""Frames of meters that were not found in public, made from the protocols' texts.

    make_device_vectors.py            prints meter_frames.json
    make_device_vectors.py --check    exit 1 when the file beside it differs

Second implementation: written from the frame layouts, formats and traps that
docs/devices/meters.md names (DL/T 645-2007 and -1997, CJ/T 188, Modbus), not
from the decoders that are tested with it.  "decoded" is what a decoder must
say at least; a list of them for more than one frame.  "fault" is the kind of
the error where "valid" is false.
"""
import json
import pathlib
import struct
import sys

VECTORS = []


def add(protocol, name, data, decoded=None, fault=None):
    number = 1 + sum(1 for v in VECTORS if v["protocol"] == protocol)
    vector = {"id": f"made-{protocol}-{number:02d}", "protocol": protocol,
              "name": name, "hex": data.hex(" ").upper(),
              "valid": fault is None}
    if fault is None:
        vector["decoded"] = decoded
    else:
        vector["fault"] = fault
    VECTORS.append(vector)


def number(value, unit):
    return {"value": value, "unit": unit}


def bcd(text, size):
    """Decimal digits, low byte first."""
    return bytes.fromhex(text.rjust(size * 2, "0"))[::-1]


# ---- DL/T 645 ---------------------------------------------------------------

METER = "202311070042"


def dlt(control, data, address=METER, length=None, end=0x16):
    body = (bytes([0x68]) + bytes.fromhex(address)[::-1]
            + bytes([0x68, control, len(data) if length is None else length])
            + bytes((b + 0x33) % 256 for b in data))
    return body + bytes([sum(body) % 256, end])


def di07(text):
    return bytes.fromhex(text)[::-1]


def reply07(di, payload, **more):
    return dlt(0x91, di07(di) + payload, **more)


def one07(di, payload, value, unit, register, **more):
    add("dlt645-2007", f"{register} {value}", reply07(di, payload),
        {"di": di, "value": value, "unit": unit, "register": register,
         "payload": payload.hex(" ").upper(), **more})


def values07(name, di, payload, values, **more):
    add("dlt645-2007", name, reply07(di, payload),
        {"di": di, "values": values, **more})


def dlt645_2007():
    one07("02030000", bytes([0x45, 0x23, 0x81]), -1.2345, "kW", "active_power_kw")
    one07("02040200", bytes([0x01, 0x00, 0x80]), -0.0001, "kvar",
          "reactive_power_b_kvar")
    one07("02020300", bytes([0x00, 0x50, 0x80]), -5.0, "A", "current_c_a")
    one07("02060000", bytes([0x50, 0x89]), -0.95, "", "power_factor")
    one07("02060100", bytes([0x00, 0x10]), 1.0, "", "power_factor_a")
    one07("00000000", bytes([0x34, 0x12, 0x00, 0x80]), -12.34, "kWh",
          "combined_kwh")
    one07("00030000", bytes([0x99, 0x99, 0x99, 0xF9]), -799999.99, "kvarh",
          "reactive_1_kvarh")
    one07("00010000", bytes([0x32, 0x54, 0x76, 0x98]), 987654.32, "kWh",
          "import_kwh")
    one07("00020000", bytes([0x99, 0x99, 0x99, 0x99]), 999999.99, "kWh",
          "export_kwh")
    one07("00010400", bytes([0x56, 0x34, 0x12, 0x00]), 1234.56, "kWh",
          "import_tariff_4_kwh")
    one07("02800002", bytes([0x98, 0x49]), 49.98, "Hz", "frequency_hz")
    one07("02050000", bytes([0x00, 0x00, 0x85]), 85.0, "kVA",
          "apparent_power_kva")
    one07("01010000", bytes([0x21, 0x43, 0x12, 0x15, 0x09, 0x18, 0x11, 0x26]),
          12.4321, "kW", "import_demand_kw", text="2026-11-18 09:15")
    values07("three voltages", "0201FF00",
             bytes.fromhex("01 23 05 23 98 22"),
             {"voltage_a_v": number(230.1, "V"),
              "voltage_b_v": number(230.5, "V"),
              "voltage_c_v": number(229.8, "V")})
    values07("three voltages and a surplus byte", "0201FF00",
             bytes.fromhex("01 23 05 23 98 22 01"),
             {"voltage_a_v": number(230.1, "V"),
              "voltage_b_v": number(230.5, "V"),
              "voltage_c_v": number(229.8, "V")}, extra_payload_bytes=1)
    add("dlt645-2007", "voltages of a single-phase meter, FF behind",
        reply07("0201FF00", bytes.fromhex("01 23 FF FF FF FF")),
        {"register": "voltage_a_v", "value": 230.1, "unit": "V"})
    add("dlt645-2007", "voltages of a single-phase meter, cut short",
        reply07("0201FF00", bytes.fromhex("01 23")),
        {"register": "voltage_a_v", "value": 230.1, "unit": "V"})
    values07("powers, phase B gives back", "0203FF00",
             bytes.fromhex("00 10 00 00 20 00 00 15 80 00 05 00"),
             {"active_power_kw": number(0.1, "kW"),
              "active_power_a_kw": number(0.2, "kW"),
              "active_power_b_kw": number(-0.15, "kW"),
              "active_power_c_kw": number(0.05, "kW")})
    values07("currents above 100 A", "0202FF00",
             bytes.fromhex("56 34 12 00 00 00 01 00 80"),
             {"current_a_a": number(123.456, "A"),
              "current_b_a": number(0.0, "A"),
              "current_c_a": number(-0.001, "A")})
    values07("total and four tariffs", "0001FF00",
             b"".join(bcd(t, 4) for t in
                      ("12345678", "1000001", "2000002", "3000003", "6345672")),
             {"import_kwh": number(123456.78, "kWh"),
              "import_tariff_1_kwh": number(10000.01, "kWh"),
              "import_tariff_2_kwh": number(20000.02, "kWh"),
              "import_tariff_3_kwh": number(30000.03, "kWh"),
              "import_tariff_4_kwh": number(63456.72, "kWh")})
    add("dlt645-2007", "date", reply07("04000101", bytes.fromhex("05 20 11 26")),
        {"text": "2026-11-20", "payload": "05 20 11 26"})
    add("dlt645-2007", "time", reply07("04000102", bytes.fromhex("45 30 08")),
        {"text": "08:30:45"})
    add("dlt645-2007", "communication address",
        reply07("04000401", bytes.fromhex(METER)[::-1]), {"text": METER})
    add("dlt645-2007", "meter number of devices.json 26",
        bytes.fromhex("FEFEFEFE68914002011807 68 91 0A 35373337C47335344B3A5916"),
        {"text": "071801024091"})
    add("dlt645-2007", "rated voltage of devices.json 19",
        bytes.fromhex("6811111111111168910A37373337333389636565C516"),
        {"text": "220V"})
    # more follows
    add("dlt645-2007", "there is more", dlt(0xB1, di07("0001FF00") + b"\x78\x56"),
        {"control": "B1", "more": True, "kind": "reply", "payload": "78 56"})
    add("dlt645-2007", "request for following frame 1",
        dlt(0x12, di07("0001FF00") + b"\x01"),
        {"control": "12", "kind": "request", "di": "0001FF00",
         "frame_number": 1})
    add("dlt645-2007", "following frame 1, and more",
        dlt(0xB2, di07("0001FF00") + b"\x34\x12\x01"),
        {"control": "B2", "more": True, "frame_number": 1, "payload": "34 12"})
    add("dlt645-2007", "following frame 2, the last",
        dlt(0x92, di07("0001FF00") + b"\x34\x12\x02"),
        {"control": "92", "frame_number": 2, "payload": "34 12"})
    add("dlt645-2007", "no such data", dlt(0xD1, b"\x02"),
        {"error_word": "02", "error_text": "no such data", "kind": "refusal"})
    add("dlt645-2007", "no following frame", dlt(0xD2, b"\x01"),
        {"error_word": "01", "error_text": "another error"})
    # what stands around a frame
    volts = reply07("02010100", b"\x01\x10")
    told = {"value": 100.1, "unit": "V", "register": "voltage_a_v"}
    add("dlt645-2007", "a second 68 in front", b"\x68" + volts,
        {"prefix_bytes": 1, **told})
    add("dlt645-2007", "address that ends in 68, and a second 68 in front",
        b"\x68" + reply07("02010100", b"\x01\x10", address="682311070042"),
        {"prefix_bytes": 1, "address": "682311070042", **told})
    add("dlt645-2007", "address of start, end and reply bytes",
        reply07("02010100", b"\x01\x10", address="681691681691"),
        {"address": "681691681691", **told})
    add("dlt645-2007", "payload of end bytes",
        reply07("04000402", bytes([0xE3] * 6), address="161616161616"),
        fault="value")
    inner = reply07("00010000", bcd("678", 4))
    wrapped = (bytes.fromhex("68 9A 00 9A 00 68 88 10 12 34 56 02 10 60 00 00 01"
                             "00 1F") + inner)
    wrapped += bytes([sum(wrapped[6:]) % 256, 0x16])
    add("dlt645-2007", "within Q/GDW 376.1", wrapped,
        {"prefix_bytes": 19, "value": 6.78, "unit": "kWh"})
    add("dlt645-2007", "own echo before the reply",
        b"\xFE" * 4 + dlt(0x11, di07("02010100")) + b"\xFE" + volts,
        [{"kind": "request", "di": "02010100"}, {"kind": "reply", **told}])
    torn = volts[:9]
    add("dlt645-2007", "a torn frame before a whole one", torn + volts,
        {"prefix_bytes": 9, **told})
    damaged = bytearray(volts)
    damaged[12] ^= 4
    add("dlt645-2007", "a damaged frame before a whole one",
        bytes(damaged) + volts, {"prefix_bytes": len(volts), **told})
    add("dlt645-2007", "time broadcast of another master",
        dlt(0x08, bytes.fromhex("00 30 08 20 11 26"), address="99" * 6),
        {"kind": "request", "address": "99" * 6, "data": "00 30 08 20 11 26"})
    # what must be refused
    add("dlt645-2007", "cut in the address", volts[:6], fault="truncated")
    add("dlt645-2007", "cut before the end", volts[:-1], fault="truncated")
    add("dlt645-2007", "parity wrong: no 16 at the end",
        volts[:-1] + b"\x96", fault="length")
    add("dlt645-2007", "sum one too low",
        volts[:-2] + bytes([(volts[-2] - 1) % 256, 0x16]), fault="checksum")
    add("dlt645-2007", "only noise", b"\xFE\xFE\x00\x16\x16", fault="start")
    add("dlt645-2007", "value too short", reply07("00010000", b"\x78\x56\x34"),
        fault="length")
    add("dlt645-2007", "no value at all", reply07("00010000", b""),
        fault="length")
    add("dlt645-2007", "reply without an identifier", dlt(0x91, b"\x00\x00\x01"),
        fault="length")
    add("dlt645-2007", "block with a letter in its second value",
        reply07("0201FF00", bytes.fromhex("01 23 0A 23 98 22")), fault="value")
    add("dlt645-2007", "FF for the only value",
        reply07("02010100", b"\xFF\xFF"), fault="value")
    add("dlt645-2007", "refusal without a reason", dlt(0xD1, b""),
        fault="length")
    add("dlt645-2007", "a frame of 1997", dlt(0x81, bytes.fromhex("10 90") + bcd("1", 4)),
        fault="unknown")
    add("dlt645-2007", "date of a month 13",
        reply07("04000101", bytes.fromhex("05 20 13 26")), fault="value")
    add("dlt645-2007", "address reply of five bytes", dlt(0x93, b"\x01" * 5),
        fault="length")
    add("dlt645-2007", "whole frame, then half of one", volts + volts[:8],
        fault="truncated")


def reply97(di, payload):
    return dlt(0x81, bytes.fromhex(di)[::-1] + payload)


def one97(di, payload, value, unit, register, **more):
    add("dlt645-1997", f"{register} {value}", reply97(di, payload),
        {"di": di, "value": value, "unit": unit, "register": register, **more})


def dlt645_1997():
    one97("9010", bcd("12345678", 4), 123456.78, "kWh", "import_kwh")
    one97("9014", bcd("78", 4), 0.78, "kWh", "import_tariff_4_kwh")
    one97("9020", bcd("100", 4), 1.0, "kWh", "export_kwh")
    one97("9110", bcd("4321", 4), 43.21, "kvarh", "reactive_1_kvarh")
    one97("B611", b"\x20\x02", 220, "V", "voltage_a_v")
    one97("B622", b"\x34\x12", 12.34, "A", "current_b_a")
    one97("B621", b"\x00\x85", 85.0, "A", "current_a_a")
    one97("B630", b"\x45\x23\x81", -1.2345, "kW", "active_power_kw")
    one97("B640", b"\x34\x12", 12.34, "kvar", "reactive_power_kvar")
    one97("B640", b"\x45\x23\x01", 1.2345, "kvar", "reactive_power_kvar")
    one97("B653", b"\x66\x08", 0.866, "", "power_factor_c")
    one97("A010", b"\x21\x43\x12", 12.4321, "kW", "import_demand_kw")
    add("dlt645-1997", "time of the demand",
        reply97("B010", bytes.fromhex("15 09 18 11")), {"text": "11-18 09:15"})
    add("dlt645-1997", "voltages", reply97("B61F", bytes.fromhex("20 02 21 02 19 02")),
        {"values": {"voltage_a_v": number(220, "V"),
                    "voltage_b_v": number(221, "V"),
                    "voltage_c_v": number(219, "V")}})
    add("dlt645-1997", "powers, and limits behind them",
        reply97("B63F", bytes.fromhex("00 10 00 00 20 00 00 15 80 00 05 00 00 00 10 00 00 10")),
        {"values": {"active_power_kw": number(0.1, "kW"),
                    "active_power_a_kw": number(0.2, "kW"),
                    "active_power_b_kw": number(-0.15, "kW"),
                    "active_power_c_kw": number(0.05, "kW")},
         "extra_payload_bytes": 6})
    add("dlt645-1997", "total and two tariffs",
        reply97("901F", b"".join(bcd(t, 4) for t in ("300", "100", "200"))),
        {"values": {"import_kwh": number(3.0, "kWh"),
                    "import_tariff_1_kwh": number(1.0, "kWh"),
                    "import_tariff_2_kwh": number(2.0, "kWh")}})
    add("dlt645-1997", "meter number", reply97("C032", bytes.fromhex(METER)[::-1]),
        {"text": METER})
    add("dlt645-1997", "date", reply97("C010", bytes.fromhex("05 20 11 26")),
        {"text": "2026-11-20"})
    add("dlt645-1997", "time", reply97("C011", bytes.fromhex("45 30 08")),
        {"text": "08:30:45"})
    add("dlt645-1997", "there is more",
        dlt(0xA1, bytes.fromhex("1F 90") + b"\x78\x56"),
        {"more": True, "di": "901F", "payload": "78 56"})
    add("dlt645-1997", "request for what follows",
        dlt(0x02, bytes.fromhex("1F 90")), {"kind": "request", "di": "901F"})
    add("dlt645-1997", "what follows", dlt(0x82, bytes.fromhex("1F 90") + b"\x34\x12"),
        {"control": "82", "di": "901F", "payload": "34 12"})
    add("dlt645-1997", "no such data", dlt(0xC1, b"\x02"),
        {"error_word": "02", "error_text": "no such data"})
    add("dlt645-1997", "unknown identifier", reply97("D123", b"\x01"),
        {"di": "D123", "payload": "01"})
    add("dlt645-1997", "a frame of 2007", reply07("00010000", bcd("1", 4)),
        fault="unknown")
    add("dlt645-1997", "letter in a value", reply97("9010", b"\x00\x0C\x00\x00"),
        fault="value")
    add("dlt645-1997", "value too short", reply97("B630", b"\x00\x00"),
        fault="length")


# ---- CJ/T 188 ---------------------------------------------------------------

def cjt(kind, control, data, address="11110012345678"):
    body = (bytes([0x68, kind]) + bytes.fromhex(address)[::-1]
            + bytes([control, len(data)]) + data)
    return body + bytes([sum(body) % 256, 0x16])


def water(total, unit, settle=None, time=b"\0" * 7, status=b"\0\0", kind=0x10,
          di=b"\x90\x1F", tail=b""):
    field = bcd(total, 4) + bytes([unit])
    other = field if settle is None else settle
    return cjt(kind, 0x81, di + b"\x01" + field + other + time + status + tail)


def heat(units, fields, behind=b"", first=False):
    data = b""
    for unit, value in zip(units, fields):
        raw = bcd(value, 4) if isinstance(value, str) else value
        data += bytes([unit]) + raw if first else raw + bytes([unit])
    return cjt(0x20, 0x81, b"\x90\x1F\x01" + data + behind)


def cjt188():
    clock = bcd("20261120083045", 7)
    behind = bcd("6512", 3) + bcd("4205", 3) + bcd("1234", 3) + clock + b"\0\0"
    add("cjt188", "water with clock, valve open",
        water("1234567", 0x2C, time=clock),
        {"class": "water", "total": 12345.67, "total_unit": "2C",
         "time": "20261120083045", "valve": "open", "battery_low": False,
         "values": {"volume_m3": number(12345.67, "m3"),
                    "settle_volume_m3": number(12345.67, "m3")}})
    add("cjt188", "water in litres", water("1234567", 0x29),
        {"total": 12345.67, "total_unit": "29",
         "values": {"volume_m3": number(12.34567, "m3"),
                    "settle_volume_m3": number(12.34567, "m3")}})
    add("cjt188", "battery low and valve closed",
        water("100", 0x2C, status=b"\x05\x00"),
        {"valve": "closed", "battery_low": True, "status": "05 00"})
    add("cjt188", "settlement absent",
        water("100", 0x2C, settle=b"\xFF" * 5),
        {"register": "volume_m3", "value": 1.0, "unit": "m3", "total": 1.0})
    add("cjt188", "unit before the value, water",
        cjt(0x10, 0x81, b"\x1F\x90\x01\x2C" + bcd("100", 4) + b"\x2C"
            + bcd("50", 4) + b"\0" * 9),
        {"total": 1.0, "settle": 0.5, "unit_first": True,
         "values": {"volume_m3": number(1.0, "m3"),
                    "settle_volume_m3": number(0.5, "m3")}})
    add("cjt188", "no clock and no status",
        cjt(0x10, 0x81, b"\x90\x1F\x01" + (bcd("100", 4) + b"\x2C") * 2),
        {"total": 1.0, "settle": 1.0})
    add("cjt188", "two bytes more than the standard's",
        water("100", 0x2C, tail=b"\x01\x02"), {"extra_payload_bytes": 2})
    add("cjt188", "gas", water("98765432", 0x2C, kind=0x30, di=b"\x1F\x90"),
        {"class": "gas", "total": 987654.32, "di_bytes": "1F 90"})
    add("cjt188", "heat in kWh", heat([0x05, 0x05, 0x17, 0x35, 0x2C],
        ["100000", "123456", "1250", "12345", "7890"], behind),
        {"class": "heat", "units": ["05", "05", "17", "35", "2C"],
         "heat_settle_kwh": 1000.0, "heat_now_kwh": 1234.56, "power": 12.5,
         "flow": 1.2345, "volume_m3": 78.9, "supply_c": 65.12,
         "return_c": 42.05, "work_hours": 1234, "clock": "20261120083045",
         "values": {"settle_heat_kwh": number(1000.0, "kWh"),
                    "heat_kwh": number(1234.56, "kWh"),
                    "heat_power_kw": number(12.5, "kW"),
                    "flow_m3h": number(1.2345, "m3/h"),
                    "volume_m3": number(78.9, "m3"),
                    "supply_c": number(65.12, "C"),
                    "return_c": number(42.05, "C"),
                    "work_h": number(1234, "h")}})
    add("cjt188", "heat in GJ, power in W, flow in L/h",
        heat([0x11, 0x11, 0x14, 0x32, 0x29],
             ["100000", "123456", "1250", "12345", "7890"], behind),
        {"heat_settle_gj": 1000.0, "heat_now_gj": 1234.56, "power": 0.0125,
         "flow": 0.0012345, "volume_m3": 0.0789})
    add("cjt188", "heat in MWh and MJ",
        heat([0x08, 0x0E, 0x1A, 0x35, 0x2C], ["1", "1", "1", "1", "1"], behind),
        {"heat_settle_kwh": 10.0, "heat_now_gj": 0.00001, "power": 10.0})
    add("cjt188", "unit before the value, GJ",
        heat([0x11, 0x11, 0x17, 0x35, 0x2C],
             ["100000", "123456", "1250", "12345", "7890"], behind, first=True),
        {"unit_first": True, "heat_now_gj": 1234.56, "supply_c": 65.12})
    add("cjt188", "no sensor for the return",
        heat([0x05, 0x05, 0x17, 0x35, 0x2C], ["1", "2", "3", "4", "5"],
             bcd("6512", 3) + b"\xFF" * 3 + bcd("1", 3) + clock + b"\0\0"),
        {"supply_c": 65.12, "work_hours": 1,
         "values": {"settle_heat_kwh": number(0.01, "kWh"),
                    "heat_kwh": number(0.02, "kWh"),
                    "heat_power_kw": number(0.03, "kW"),
                    "flow_m3h": number(0.0004, "m3/h"),
                    "volume_m3": number(0.05, "m3"),
                    "supply_c": number(65.12, "C"),
                    "work_h": number(1, "h")}})
    add("cjt188", "clock of letters costs no value",
        water("100", 0x2C, time=b"\xAA" * 7),
        {"total": 1.0, "time": "AA" * 7})
    add("cjt188", "FE, FF and 68 in front",
        b"\xFF\xFE\xFE\x68" + water("100", 0x2C),
        {"prefix_bytes": 4, "total": 1.0})
    add("cjt188", "own echo before the reply",
        b"\xFE" * 4 + cjt(0x10, 0x01, b"\x90\x1F\x01") + water("100", 0x2C),
        [{"kind": "request", "ser": "01"}, {"kind": "reply", "total": 1.0}])
    add("cjt188", "refusal", cjt(0x10, 0xC1, b"\x01\x00\x04"),
        {"kind": "refusal", "error_bytes": "01 00 04"})
    add("cjt188", "a type whose values are not known",
        water("100", 0x2C, kind=0x48), {"class": "other", "control": "81"})
    add("cjt188", "letter in the total", cjt(
        0x10, 0x81, b"\x90\x1F\x01\x0A\x00\x00\x00\x2C" + b"\0" * 4 + b"\x2C"),
        fault="value")
    add("cjt188", "unit that is none", water("100", 0x77), fault="value")
    add("cjt188", "unit of energy for water", water("100", 0x05), fault="value")
    add("cjt188", "values cut short",
        cjt(0x10, 0x81, b"\x90\x1F\x01" + bcd("100", 4) + b"\x2C"),
        fault="length")
    add("cjt188", "every value absent",
        cjt(0x10, 0x81, b"\x90\x1F\x01" + b"\xFF" * 10), fault="value")
    add("cjt188", "sum of the example that articles copy",
        bytes.fromhex("6810443322110033788116 1F90000077665 52C0077665 52C"
                      "310122110515202184 08 16".replace(" ", "")),
        fault="checksum")
    add("cjt188", "cut before the end", water("100", 0x2C)[:-1],
        fault="truncated")
    add("cjt188", "no 16 at the end", water("100", 0x2C)[:-1] + b"\x00",
        fault="length")
    add("cjt188", "only noise", b"\xFE\xFE\x16", fault="start")
    add("cjt188", "control that is none", cjt(0x10, 0x3F, b"\x00\x00\x01"),
        fault="unknown")


# ---- Modbus -----------------------------------------------------------------

def crc(data):
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
    return struct.pack("<H", value)


def rtu(text):
    data = bytes.fromhex(text)
    return data + crc(data)


def tcp(transaction, unit, text):
    data = bytes.fromhex(text)
    return struct.pack(">HHHB", transaction, 0, len(data) + 1, unit) + data


def modbus():
    add("modbus-rtu", "s16 -1", rtu("01 03 02 FF FF"),
        {"u16": 65535, "s16": -1, "registers": [65535], "data": "FF FF"})
    add("modbus-rtu", "largest u32", rtu("01 03 04 FF FF FF FF"),
        {"u32": 4294967295, "s32": -1})
    add("modbus-rtu", "four registers", rtu("01 03 08 00 01 00 02 00 03 00 04"),
        {"registers": [1, 2, 3, 4]})
    add("modbus-rtu", "between glitches", b"\0" + rtu("01 03 02 00 05") + b"\0",
        {"prefix_bytes": 1, "u16": 5})
    add("modbus-rtu", "coils request", rtu("11 01 00 13 00 25"),
        {"function": 1, "start": 19, "count": 37, "kind": "read request"})
    add("modbus-rtu", "coils reply", rtu("11 01 05 CD 6B B2 0E 1B"),
        {"function": 1, "data": "CD 6B B2 0E 1B", "kind": "read reply"})
    add("modbus-rtu", "write one coil", rtu("11 05 00 AC FF 00"),
        {"start": 172, "data": "FF 00", "kind": "write"})
    add("modbus-rtu", "write one register", rtu("11 06 00 01 00 03"),
        {"start": 1, "u16": 3, "kind": "write"})
    add("modbus-rtu", "write coils", rtu("11 0F 00 13 00 0A 02 CD 01"),
        {"start": 19, "count": 10, "data": "CD 01", "kind": "write request"})
    add("modbus-rtu", "registers were written", rtu("11 10 00 01 00 02"),
        {"start": 1, "count": 2, "fc16": True, "kind": "write reply"})
    add("modbus-rtu", "gateway: nobody answers", rtu("0A 84 0B"),
        {"exception": 11, "kind": "exception", "unit": 10})
    add("modbus-rtu", "request, glitch, reply",
        rtu("01 04 00 00 00 02") + b"\0" + rtu("01 04 04 43 66 33 34"),
        [{"start": 0, "count": 2}, {"float": 230.2}])
    add("modbus-rtu", "CRC sent high byte first",
        rtu("01 03 02 00 05")[:-2] + rtu("01 03 02 00 05")[:-3:-1],
        fault="checksum")
    add("modbus-rtu", "cut", rtu("01 03 02 00 05")[:-1], fault="truncated")
    add("modbus-rtu", "function 2B", rtu("01 2B 2B 2B 2B"), fault="start")
    add("modbus-tcp", "request", tcp(7, 5, "03 00 64 00 02"),
        {"transaction": 7, "unit": 5, "start": 100, "count": 2})
    add("modbus-tcp", "reply", tcp(7, 5, "03 04 43 66 33 34"),
        {"transaction": 7, "function": 3, "float": 230.2})
    add("modbus-tcp", "exception", tcp(65535, 5, "83 02"),
        {"transaction": 65535, "function": 131, "exception": 2})
    add("modbus-tcp", "two replies", tcp(1, 5, "03 02 00 01") + tcp(2, 5, "03 02 00 02"),
        [{"transaction": 1, "u16": 1}, {"transaction": 2, "u16": 2}])
    add("modbus-tcp", "protocol 1", bytes.fromhex("0007 0001 0003 05 83 02"),
        fault="start")
    add("modbus-tcp", "length of 300", bytes.fromhex("0007 0000 012C 05 03"),
        fault="length")
    add("modbus-tcp", "byte count that the header denies",
        bytes.fromhex("0007 0000 0005 05 03 04 00 01"), fault="length")
    add("modbus-tcp", "cut", tcp(7, 5, "03 04 43 66 33 34")[:-2],
        fault="truncated")
    add("modbus-tcp", "function 2B", tcp(7, 5, "2B 0E 01 00"), fault="unknown")


def main():
    dlt645_2007()
    dlt645_1997()
    cjt188()
    modbus()
    lines = ",\n".join(json.dumps(v, ensure_ascii=False) for v in VECTORS)
    text = ('{"about": "made by make_device_vectors.py", "vectors": [\n'
            + lines + "\n]}\n")
    if sys.argv[1:] == ["--check"]:
        path = pathlib.Path(__file__).with_name("meter_frames.json")
        sys.exit(path.read_text() != text)
    sys.stdout.write(text)


main()
