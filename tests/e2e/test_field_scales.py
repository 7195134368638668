"""Weighing indicators over every transport they are met on: a simulated one,
sampan-weighbridge, and the weight that reaches the bridge.
docs/devices/README.md names these tests."""
import socket
import subprocess
import time

import pytest
from field import (QUICK, SCALE, STABLE, Tap, modbus_meters, scales,
                   start_bridge, wire)
from stack import free_port, wait_until

BAD_LINE = {"noise": 0.05, "torn": 0.05, "wrong": 0.02, "cut": 0.02,
            "duplicate": 0.05, "silence": 0.02}

# name: model in the settings, simulated kind, transport
SCALES = {
    "a9-serial": ("yaohua-a9-continuous", "a9", "pty"),
    "a9-server": ("yaohua-a9-continuous", "a9", "tcp"),
    "command-serial": ("yaohua-a9-command", "a9-command", "pty"),
    "d2-serial": ("yaohua-d2", "d2", "pty"),
    "a12-server": ("yaohua-a12", "a12", "tcp"),
    "xk3118-serial": ("xk3118t1", "xk3118", "pty"),
    "st-gs-serial": ("st-gs", "st-gs", "pty"),
    "st-gs-server": ("st-gs", "st-gs", "tcp"),
    "toledo-serial": ("mt-continuous", "toledo", "pty"),
    "toledo-check-server": ("mt-continuous", "toledo-checksum", "tcp"),
    "modbus-serial": ("modbus-rtu", "modbus-rtu", "pty"),
    "modbus-server": ("modbus-rtu", "modbus-rtu", "tcp"),
    "modbus-tcp": ("modbus-tcp", "modbus-tcp", "tcp"),
}
UNCHECKED = ("d2", "a12", "xk3118", "st-gs", "toledo")


def open_scale(field, name, number):
    _, kind, transport = SCALES[name]
    if transport == "pty":
        line = wire.Pty(str(field.path(name)))
    else:
        line = wire.Tcp(answers=kind == "modbus-tcp")
    chances = dict(BAD_LINE)
    if kind in UNCHECKED:  # a wrong digit there is a wrong weight
        chances.pop("wrong"), chances.pop("cut"), chances.pop("noise")
    if kind.startswith("modbus"):
        chances = {"torn": 0.05, "silence": 0.02}
    return field.scale(kind, line, QUICK, wire.Faults(
        seed=number, **chances), 20)


def scale_settings(name, scale):
    model = SCALES[name][0]
    port = scale.wire.where
    modbus = {"modbus": {"status_register": 8, "moving_bits": [5]}} \
        if model.startswith("modbus") else {}
    return {"id": name, "model": model, "port": port, **STABLE, **modbus}


def test_every_scale_gives_one_weight_a_truck(site, field):
    """All indicators at once, on lines with faults, two trucks each."""
    opened = {name: open_scale(field, name, number)
              for number, name in enumerate(SCALES)}
    field.furnish(SCALE, list(SCALES), {"scales": [
        scale_settings(name, scale) for name, scale in opened.items()]})
    start_bridge(site)
    tap = Tap(site, "weighbridge", "weight")
    field.start(SCALE)
    drivers = {name: field.driver(scale, [20000 + 500 * number * 2 + 20 * at
                                          for at in (1, 2)])
               for number, (name, scale) in enumerate(opened.items())}
    for driver in drivers.values():
        driver.join(60)
    wait_until(lambda: all(len(tap.of(name)) >= 2 for name in SCALES), 20,
               "a weight of each truck")
    for name, driver in drivers.items():
        assert [event["gross"] for event in tap.of(name)] == [
            visit.gross_kg for visit in driver.visits], name
        assert all(event["unit"] == "kg" and event["stable"] is True
                   for event in tap.of(name))
    site.until(tap.all_stored, 20, "they are stored")


def test_scale_that_goes_silent_is_offline_until_it_speaks(site, field):
    scale = field.scale("a9", wire.Pty(str(field.path("a9-serial"))), QUICK)
    field.furnish(SCALE, ["a9-serial"], {"scales": [
        {**scale_settings("a9-serial", scale), "silent_after_s": 2}]})
    start_bridge(site)
    tap = Tap(site, "weighbridge", "weight")
    field.start(SCALE)
    wait_until(lambda: tap.online.get("a9-serial"), 20, "it is online")
    scale.muted = True
    wait_until(lambda: tap.online["a9-serial"] is False, 20, "it is offline")
    assert tap.why["a9-serial"] == "nothing comes from it"
    scale.muted = False
    wait_until(lambda: tap.online["a9-serial"], 20, "it is back")


class Hesitant(modbus_meters.ModbusServer):
    """A tenth of a second for each answer, and once more than its time."""

    def _execute(self, request):
        self.delay_s = 0.35 if self.asked == 6 else 0.1
        super()._execute(request)


def test_late_status_of_a_transmitter_is_no_weight(site, field):
    """An answer does not say which register it holds: 0802 is a status of the
    vectors, and would be 2050 kg."""
    image = modbus_meters.Image([(0x0008, "u16", lambda _: 0x0802),
                                 (0x0050, "u16", lambda _: 12032)], None)
    server = field.serve(Hesitant(wire.Tcp(), {
        1: modbus_meters.ModbusSlaveContext(
            zero_mode=True, hr=image, ir=image, di=image, co=image)},
        wire.Faults()))
    field.furnish(SCALE, ["slow"], {"scales": [
        {"id": "slow", "model": "modbus-rtu", "port": server.wire.where,
         "reply_ms": 300, "division": 20,
         "stable": {"seconds": 1, "readings": 4},
         "modbus": {"weight_register": 0x50, "type": "u16",
                    "status_register": 8, "moving_bits": [5]}}]})
    start_bridge(site)
    tap = Tap(site, "weighbridge", "weight")
    field.start(SCALE)
    wait_until(lambda: tap.of("slow"), 20, "its weight")
    assert tap.of("slow")[0]["gross"] == 12032


def test_serial_server_that_hangs_up_is_called_again(site, field):
    scale = field.scale("a9", wire.Tcp(), QUICK)
    field.furnish(SCALE, ["a9-server"], {"scales": [
        scale_settings("a9-server", scale)]})
    start_bridge(site)
    tap = Tap(site, "weighbridge", "weight")
    field.start(SCALE)
    for gross in (30000, 31000):
        field.driver(scale, [gross]).join(30)
        scale.wire.hang_up()
    wait_until(lambda: len(tap.of("a9-server")) == 2, 20, "both trucks")


def test_serial_server_that_hangs_up_at_once_is_called_less_often(site, field):
    """As one does that has another caller already."""
    calls = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        port = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        field.furnish(SCALE, ["busy"], {"scales": [
            {"id": "busy", "model": "st-gs", "port": port, **STABLE}]})
        start_bridge(site)
        field.start(SCALE)
        while len(calls) < 4:
            server.accept()[0].close()
            calls.append(time.monotonic())
    assert calls[3] - calls[0] > 6  # 1, 2 and 4 s


def test_socat_makes_a_serial_line_of_a_server(site, field):
    """Another program in between, as on a box with a virtual port."""
    scale = field.scale("toledo-checksum", wire.Tcp(), QUICK)
    link = field.path("virtual")
    socat = subprocess.Popen(
        ["socat", f"pty,raw,echo=0,link={link}",
         f"tcp:127.0.0.1:{scale.wire.port}"])
    try:
        wait_until(link.is_symlink, 10, "the virtual port")
        field.furnish(SCALE, ["toledo"], {"scales": [
            {"id": "toledo", "model": "mt-continuous", "port": str(link),
             **STABLE}]})
        start_bridge(site)
        tap = Tap(site, "weighbridge", "weight")
        field.start(SCALE)
        field.driver(scale, [45500]).join(30)
        wait_until(lambda: tap.of("toledo"), 20, "its weight")
        assert tap.of("toledo")[0]["gross"] == 45500
    finally:
        socat.terminate()
        socat.wait(10)


@pytest.mark.parametrize("kind,model", [("a9", "yaohua-a9-continuous"),
                                        ("toledo-checksum", "mt-continuous"),
                                        ("st-gs", "st-gs")])
def test_probe_finds_a_scale(site, field, kind, model):
    scale = field.scale(kind, wire.Tcp(), QUICK)
    done = subprocess.run(
        [site.program("sampan-weighbridge"), "--probe", scale.wire.where],
        capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert model in done.stdout
    assert ("fixed_zeros:" in done.stdout) == (model == "mt-continuous")


def test_probe_says_that_nothing_answers(site):
    done = subprocess.run(
        [site.program("sampan-weighbridge"), "--probe",
         f"tcp://127.0.0.1:{free_port()}"],
        capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1 and done.stderr
