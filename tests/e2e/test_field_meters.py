"""Meters over every transport they are met on: a simulated one, sampan-meter,
and the reading that reaches the bridge.  docs/devices/README.md names these
tests."""
import subprocess
import time

import pytest
from field import (METER, PROFILES, Tap, meters, modbus_meters, start_bridge,
                   wire)
from stack import free_port, wait_until


def load(kwh, power=30.0):
    return modbus_meters.Load(power, kwh, 12.25, clock=lambda: 0.0)


def still(address, kwh, edition=2007, **options):
    return meters.Meter645(address, edition, load(kwh), **options)


def water(address, total, kind=meters.cjt188.WATER, **options):
    return meters.Meter188(address, kind, start=total, flow=3.6,
                           clock=lambda: 0.0, epoch=0.0, **options)


def bus_settings(line, *all_meters, **other):
    return {"port": line.where, **other, "meters": [
        {"every_minutes": 1, **one} for one in all_meters]}


def read_once(site, field, buses, names):
    """Device -> registers of the first reading of each."""
    field.furnish(METER, names, {"profile_folder": str(PROFILES),
                                 "buses": buses})
    start_bridge(site)
    tap = Tap(site, "meter", "reading")
    field.start(METER)
    wait_until(lambda: all(tap.of(name) for name in names), 40,
               "a reading of each")
    site.until(tap.all_stored, 20, "they are stored")
    return {name: {register: told["value"] for register, told in
                   tap.of(name)[0]["registers"].items()} for name in names}


def test_dlt645_meters_share_a_serial_line(site, field):
    """Two editions, a meter that splits its answers, one that appends a
    byte, and a line with faults."""
    line = wire.Pty(str(field.path("bus")))
    field.bus(line, still("000000000161", 1234.56),
              still("123456789012", 78.25, extra=b"\x01"),
              still("351253111111", 4321.0, 1997),
              faults=wire.Faults(seed=2, noise=0.1, torn=0.1, wrong=0.05,
                                 silence=0.05))
    told = read_once(site, field, [bus_settings(
        line, {"id": "m1", "protocol": "dlt645-2007", "address": "161"},
        {"id": "m2", "protocol": "dlt645-2007", "address": "123456789012"},
        {"id": "m3", "protocol": "dlt645-1997", "address": "351253111111"})],
        ["m1", "m2", "m3"])
    assert told["m1"]["import_kwh"] == 1234.56
    assert told["m2"]["import_kwh"] == 78.25
    assert told["m3"]["import_kwh"] == 4321.0
    assert told["m1"]["export_kwh"] == 12.25


def test_dlt645_meter_behind_a_serial_server_that_registers(site, field):
    line = wire.Tcp()
    field.bus(line, still("170516665384", 55.5), echo=True,
              registration=bytes.fromhex("D8B04CBDD147"))
    told = read_once(site, field, [bus_settings(
        line, {"id": "m1", "protocol": "dlt645-2007",
               "address": "170516665384"})], ["m1"])
    assert told["m1"]["import_kwh"] == 55.5


def test_meter_alone_is_found_by_the_wildcard(site, field):
    line = wire.Pty(str(field.path("bus")))
    field.bus(line, still("910004920760", 7.5))
    told = read_once(site, field, [bus_settings(
        line, {"id": "m1", "protocol": "dlt645-2007", "address": "A" * 12})],
        ["m1"])
    assert told["m1"]["import_kwh"] == 7.5


def test_meter_that_feeds_back_is_negative(site, field):
    line = wire.Pty(str(field.path("bus")))
    field.bus(line, meters.Meter645("000000000161", load=load(5.0, -12.5)))
    told = read_once(site, field, [bus_settings(
        line, {"id": "m1", "protocol": "dlt645-2007", "address": "161",
               "registers": ["import_kwh", "export_kwh", "active_power_kw"]})],
        ["m1"])
    assert told["m1"] == {"import_kwh": 5.0, "export_kwh": 12.25,
                          "active_power_kw": -12.5}


def test_meter_that_is_off_does_not_delay_the_others(site, field):
    line = wire.Pty(str(field.path("bus")))
    dead = still("000000000001", 1.0)
    dead.silent = True
    field.bus(line, dead, *(still(f"{number:012d}", 10.0 * number)
                            for number in range(2, 6)))
    names = [f"m{number}" for number in range(2, 6)]
    field.furnish(METER, ["m1", *names], {"profile_folder": str(PROFILES),
                                          "buses": [bus_settings(line, *(
                                              {"id": f"m{number}", "protocol":
                                               "dlt645-2007",
                                               "address": str(number)}
                                              for number in range(1, 6)))]})
    start_bridge(site)
    tap = Tap(site, "meter", "reading")
    began = time.monotonic()
    field.start(METER)
    wait_until(lambda: all(tap.of(name) for name in names), 40, "the others")
    assert time.monotonic() - began < 30
    assert not tap.of("m1")
    wait_until(lambda: tap.online.get("m1") is False, 30, "it is offline")
    assert tap.online["m2"]


def test_cjt188_meters_of_both_orders(site, field):
    line = wire.Tcp()
    field.bus(line, water("78330011223344", 556.25, order="1F90"),
              water("00924040000018", 0.29, order="901F", has_clock=False),
              water("42590008210438", 1833.42, meters.cjt188.HEAT,
                    unit_first=True))
    told = read_once(site, field, [bus_settings(
        line,
        {"id": "w1", "protocol": "cjt188", "address": "78330011223344"},
        {"id": "w2", "protocol": "cjt188", "address": "00924040000018"},
        {"id": "h1", "protocol": "cjt188", "address": "42590008210438",
         "type": "20"})], ["w1", "w2", "h1"])
    assert told["w1"]["volume_m3"] == 556.25
    assert told["w2"]["volume_m3"] == 0.29
    assert told["h1"]["volume_m3"] == 1833.42
    assert told["h1"]["heat_kwh"] == pytest.approx(1833.42 * 38.5, abs=0.01)


def modbus_line(field, transport, units, **options):
    if transport == "tcp":
        line = wire.Tcp(answers=True)
        field.modbus(line, units, framing="tcp", **options)
    else:
        line = wire.Pty(str(field.path("rtu"))) if transport == "rtu" \
            else wire.Tcp()
        field.modbus(line, units, **options)
    return line


def check_modbus(model, told, kwh):
    """What all of them tell; the T317 has the power of each phase only."""
    wanted = {"import_kwh": kwh, "voltage_a_v": 230.2, "frequency_hz": 49.987,
              "current_a_a": 30000 / 3 / 230.2 / 0.95}
    assert {name: told[name] for name in wanted} == pytest.approx(
        wanted, rel=1e-3), model
    power = told["active_power_kw"] if "active_power_kw" in told else sum(
        told[f"active_power_{phase}_kw"] for phase in "abc")
    assert power == pytest.approx(30.0, rel=1e-5), model


@pytest.mark.parametrize("transport", ["rtu", "rtu-over-tcp", "tcp"])
def test_modbus_meters_are_read_by_their_profiles(site, field, transport):
    models = list(modbus_meters.MODELS)
    units = {number: modbus_meters.meter_unit(model, load(1000.0 * number))
             for number, model in enumerate(models, 1)}
    protocol = "modbus-tcp" if transport == "tcp" else "modbus-rtu"
    profiles = {path.stem for path in PROFILES.glob("*.yaml")}
    wanted = {model: unit for unit, model in enumerate(models, 1)
              if model in profiles}
    assert {"sdm630", "dtsu666", "schneider-pm5xxx", "adl400"} <= set(wanted)
    line = modbus_line(field, transport, units)
    told = read_once(site, field, [bus_settings(line, *(
        {"id": model, "protocol": protocol, "address": str(unit),
         "profile": model} for model, unit in wanted.items()))], list(wanted))
    for model, unit in wanted.items():
        check_modbus(model, told[model], 1000.0 * unit)



def test_modbus_answer_is_found_between_glitches(site, field):
    line = modbus_line(field, "rtu", {1: modbus_meters.meter_unit(
        "sdm630", load(77.5))}, glitch=True)
    told = read_once(site, field, [bus_settings(
        line, {"id": "m1", "protocol": "modbus-rtu", "address": "1",
               "profile": "sdm630"})], ["m1"])
    assert told["m1"]["import_kwh"] == 77.5


@pytest.mark.parametrize("registration", ["", "D8B04CBDD147"])
def test_probe_finds_a_meter(site, field, registration):
    """Also behind a serial server that tells its own address first."""
    line = wire.Tcp()
    field.bus(line, still("000000190101", 12.5),
              registration=bytes.fromhex(registration))
    done = subprocess.run(
        [site.program("sampan-meter"), "--probe", line.where],
        capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "dlt645-2007" in done.stdout and "190101" in done.stdout


@pytest.mark.long
def test_probe_tells_meters_of_one_line_apart(site, field):
    """Both answer to the wildcard at once; then each by its last digits."""
    line = wire.Pty(str(field.path("bus")))
    field.bus(line, still("202311070042", 1.0), still("000000000123", 2.0))
    done = subprocess.run(
        [site.program("sampan-meter"), "--probe", line.where],
        capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert 'address: "202311070042"' in done.stdout
    assert 'address: "000000000123"' in done.stdout


def test_probe_says_that_nothing_answers(site):
    done = subprocess.run(
        [site.program("sampan-meter"), "--probe",
         f"tcp://127.0.0.1:{free_port()}"],
        capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1 and done.stderr
