"""Simulated devices on their lines: what they answer, keep and resend."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from simulated import cameras, meters, modbus_meters, scales, wire  # noqa: E402
from simulated.frames import camera, cjt188, dlt645, modbus, weighing  # noqa: E402
from simulated.frames.camera import Passage  # noqa: E402

PYTHON = "/usr/bin/python3"
VECTORS = {one["id"]: one for one in json.loads(
    (HERE.parent / "vectors/devices.json").read_text(encoding="utf-8"))[
        "vectors"]}
NO_FAULTS = wire.Faults


def vector(ident) -> bytes:
    return bytes.fromhex(VECTORS[ident]["hex"])


def wait(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.01)


class Memory:
    """A line that remembers what was written, and reads what it is given."""

    where = "memory"

    def __init__(self, *reads):
        self.reads, self.written = list(reads), b""
        self.hung_up = 0

    def heard(self):
        return True

    def read(self, seconds):
        return self.reads.pop(0) if self.reads else b""

    def write(self, data):
        self.written += data

    def hang_up(self):
        self.hung_up += 1


# ---- lines and what goes wrong on them

def reader(path):
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)
    time.sleep(wire.SETTLE_S * 2)
    return descriptor


def test_pty_keeps_nothing_that_nobody_hears(tmp_path):
    line = wire.open_wire(f"pty:{tmp_path}/scale")
    line.write(b"unheard")
    assert not line.heard()
    other = reader(tmp_path / "scale")
    wait(line.heard)
    line.write(b"heard")
    assert os.read(other, 100) == b"heard"
    os.write(other, b"\x02\r\n\x11\xff")  # nothing is translated
    assert line.read(1) == b"\x02\r\n\x11\xff"
    os.close(other)
    assert not line.heard()
    other = reader(tmp_path / "scale")
    wait(line.heard)
    line.write(b"again")
    assert os.read(other, 100) == b"again"
    os.close(other)
    line.close()
    assert not (tmp_path / "scale").is_symlink()


def test_pty_does_not_wait_for_a_reader_that_sleeps():
    line = wire.Pty()
    other = reader(line.path)
    wait(line.heard)
    began = time.monotonic()
    for _ in range(100):
        line.write(b"x" * 1000)
    assert time.monotonic() - began < 2
    os.close(other)
    line.close()


def test_serial_server_is_heard_by_all_and_survives_their_going():
    line = wire.open_wire("tcp:0")
    clients = [socket.create_connection(("127.0.0.1", line.port))
               for _ in range(2)]
    wait(lambda: line.heard() and len(line.clients) == 2)
    line.write(b"weight")
    assert [one.recv(100) for one in clients] == [b"weight"] * 2
    clients[0].close()
    clients[1].sendall(b"ask")
    wait(lambda: line.read(0.1) == b"ask")
    line.hang_up()
    assert clients[1].recv(100) == b""
    line.close()


def test_device_with_tcp_answers_who_asked():
    line = wire.open_wire("tcp:0", answers=True)
    asks, listens = (socket.create_connection(("127.0.0.1", line.port))
                     for _ in range(2))
    asks.sendall(b"?")
    wait(lambda: line.read(0.1) == b"?")
    line.write(b"!")
    assert asks.recv(10) == b"!"
    listens.settimeout(0.2)
    with pytest.raises(TimeoutError):
        listens.recv(10)
    line.close()


def sent_with(**chances):
    line, faults = Memory(), wire.Faults(**chances)
    for value in range(50):
        faults.send(line, weighing.a9(value * 20))
    return line.written, faults.counts


def test_faults_are_the_same_with_the_same_seed():
    chances = dict.fromkeys(("noise", "wrong", "cut", "duplicate", "silence"),
                            0.2)
    assert sent_with(seed=1, **chances) == sent_with(seed=1, **chances)
    assert sent_with(seed=1, **chances) != sent_with(seed=2, **chances)
    _, counts = sent_with(seed=1, **chances)
    assert all(counts[kind] for kind in chances)


def test_wrong_frame_is_noticed_by_every_check():
    for seed in range(200):
        rng = wire.random.Random(seed)
        for frame, decode in (
                (weighing.a9(1234), weighing.decode_a9),
                (dlt645.read("123456789012", "00010000", preamble=0),
                 dlt645.decode),
                (vector("modbus-rtu-06"), modbus.decode)):
            with pytest.raises(ValueError):
                decode(wire.flip(frame, rng))


@pytest.mark.parametrize("words", [["noise"], ["gremlins=1"]])
def test_unknown_fault_is_refused(words):
    with pytest.raises(ValueError):
        wire.read_faults(words)


# ---- scales

class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Standing:
    """A platform with a fixed weight."""

    def __init__(self, kg, moving=False):
        self.told = kg, moving

    def weigh(self):
        return self.told


def test_truck_swings_stands_and_leaves():
    clock = Clock()
    platform = scales.Platform(clock=clock)
    platform.arrive(45500)
    seen = []
    while not platform.free():
        seen.append(platform.weigh())
        clock.now += 0.02
    still = [kg for kg, moving in seen if not moving and kg]
    assert set(still) == {45500} and len(still) == pytest.approx(125, abs=1)
    assert max(kg for kg, _ in seen) > 45500, "it swings above"
    assert seen[0][0] == 0 and seen[-1] == (0, False)
    assert all(kg % 20 == 0 for kg, _ in seen)


@pytest.mark.parametrize("kind,decode,stable", [
    ("a9", weighing.decode_a9, None),
    ("d2", weighing.decode_line, None),
    ("a12", lambda raw: weighing.decode_line(raw.rstrip()), None),
    ("xk3118", lambda raw: weighing.decode_line(raw.rstrip()), None),
    ("st-gs", weighing.decode_line, "stable"),
    ("toledo", weighing.decode_toledo, "motion"),
    ("toledo-checksum", weighing.decode_toledo, "motion")])
@pytest.mark.parametrize("moving", [False, True])
def test_indicator_tells_what_stands_there(kind, decode, stable, moving):
    line = Memory()
    scales.Scale(kind, line, NO_FAULTS(), Standing(45500, moving)).speak()
    told = decode(line.written)
    assert told["value"] == 45500
    if stable:
        assert told[stable] == (moving if stable == "motion" else not moving)


def test_indicator_answers_commands_between_noise():
    line = Memory()
    scale = scales.Scale("a9-command", line, NO_FAULTS(), Standing(8880))
    scale.answer(b"\x02\x41" + weighing.a9_request("B")[:3])
    scale.answer(weighing.a9_request("B")[3:])
    assert weighing.decode_a9_command(line.written)["value"] == 8880
    line.written = b""
    scale.answer(vector("yaohua-a9-command-01"))  # the handshake
    assert line.written == vector("yaohua-a9-command-01")
    line.written = b""
    scale.answer(weighing.a9_request("B", "C"))  # another's address
    assert line.written == b""


def test_driver_counts_trucks_that_somebody_saw(tmp_path):
    line = wire.Pty(str(tmp_path / "scale"))
    quick = scales.Script(0.05, 0.05, 0.05, 0.2, 0.05, 0.05)
    scale = scales.Scale("a9", line, NO_FAULTS(), scales.Platform(quick), 50)
    stopping = threading.Event()
    threading.Thread(target=scale.serve, args=(stopping,), daemon=True).start()
    driver = scales.Driver(scale, [10000, 20000, 30000], stopping)
    driver.start()
    time.sleep(0.2)
    assert driver.visits == [], "nobody listens yet"
    other = reader(tmp_path / "scale")
    heard = b""
    while driver.is_alive():
        heard += os.read(other, 4096)
    assert driver.books()["trucks"] == 3
    values = [weighing.decode_a9(heard[at:at + 12])["value"]
              for at in range(0, len(heard) - 11, 12)]
    for gross in (10000, 20000, 30000):
        assert values.count(gross) >= 5
    os.close(other)
    stopping.set()


# ---- DL/T 645 and CJ/T 188

def ask(bus, request):
    """What the bus writes to a request."""
    bus.wire.written = b""
    bus.wire.reads = [request]
    bus.step(0)
    return bus.wire.written


def bus_of(*all_meters, **options):
    return meters.Bus(Memory(), list(all_meters), NO_FAULTS(), delay_s=0,
                      **options)


def still(kwh, power=0.0, export=0.0):
    """A load that does not rise while it is looked at."""
    return modbus_meters.Load(power, kwh, export, clock=lambda: 0.0)


@pytest.mark.parametrize("request_id,reply,edition,kwh", [
    ("dlt645-2007-32", "FE FE FE FE 68 01 00 00 00 00 00 68 91 09 33 33 34 33"
     " 6A 59 33 33 34 95 16", 2007, 26.37),  # vector 23, one byte more
    ("dlt645-1997-02", "68 12 90 78 56 34 12 68 81 06 43 C3 33 33 34 33 E0 16",
     1997, 100.0)])
def test_meter_answers_as_captured(request_id, reply, edition, kwh):
    meter = meters.Meter645(
        VECTORS[request_id]["decoded"]["address"], edition, still(kwh),
        preamble=4 if edition == 2007 else 0,
        extra=b"\x01" if edition == 2007 else b"")
    assert ask(bus_of(meter), vector(request_id)) == bytes.fromhex(reply)


def test_meter_answers_the_voltage_request_as_captured():
    meter = meters.Meter645("000000000161", load=modbus_meters.Load(
        60.0, volts=(100.1, 100.1, 100.1)), preamble=0)
    request = dlt645.read("000000000161", "02010100")
    assert ask(bus_of(meter), request) == vector("dlt645-2007-02")


def test_meter_with_more_power_than_it_can_show_is_refused():
    with pytest.raises(ValueError):
        meters.Meter645("000000000161", load=modbus_meters.Load(-80.0))


def test_meter_tells_its_address_when_it_is_alone():
    meter = meters.Meter645("000000190101", preamble=0)
    assert ask(bus_of(meter), vector("dlt645-2007-31")) \
        == vector("dlt645-2007-18")


def test_meters_that_answer_together_are_not_understood():
    bus = bus_of(meters.Meter645("000000000161"),
                 meters.Meter645("123456789012"))
    with pytest.raises(ValueError):
        dlt645.decode(ask(bus, vector("dlt645-2007-31")))
    assert bus.collisions == 1


def test_only_the_meter_that_is_asked_answers():
    bus = bus_of(meters.Meter645("000000000161", load=still(1)),
                 meters.Meter645("123456789012", load=still(2)))
    for address, kwh in (("000000000161", 1), ("123456789012", 2)):
        told = dlt645.decode(ask(bus, dlt645.read(address, "00010000")))
        assert (told["address"], told["value"]) == (address, kwh)
    assert ask(bus, dlt645.read("000000000162", "00010000")) == b""


def test_meter_that_is_off_is_silent():
    meter = meters.Meter645("000000000161")
    meter.silent = True
    assert ask(bus_of(meter), vector("dlt645-2007-01")) == b""


def test_unknown_identifier_is_an_error_reply():
    told = dlt645.decode(ask(bus_of(meters.Meter645("000000000161")),
                             dlt645.read("000000000161", "00FE0000")))
    assert told["control"] == "D1" and told["error_word"] == "02"


def test_negative_values_have_their_sign():
    bus = bus_of(meters.Meter645("000000000161", load=still(5, -12.5, 25)))
    for di, value in (("02030000", -12.5), ("00000000", -20.0),
                      ("00020000", 25.0)):
        told = dlt645.decode(ask(bus, dlt645.read("000000000161", di)))
        assert told["value"] == pytest.approx(value, abs=0.01)


@pytest.mark.parametrize("edition,di,room", [
    (2007, "0001FF00", 12), (1997, "901F", 10), (2007, "0001FF00", 200)])
def test_long_data_comes_in_follow_up_frames(edition, di, room):
    meter = meters.Meter645("000000000161", edition, still(1000.0),
                            frame_bytes=room)
    bus, whole, frames = bus_of(meter), b"", 0
    request = dlt645.read("000000000161", di, edition)
    while request:
        frame, _ = dlt645.find(ask(bus, request))
        size = dlt645.DI_BYTES[edition]
        tail = 1 if edition == 2007 and frames else 0
        assert not tail or frame.data[-1] == frames
        whole += frame.data[size:len(frame.data) - tail]
        frames += 1
        request = dlt645.encode(
            "000000000161", dlt645.READ_MORE[edition], frame.data[:size] + (
                bytes([frames]) if edition == 2007 else b"")) \
            if frame.control & dlt645.MORE else None
    assert frames == (1 if room == 200 else 3)
    kwh = [dlt645.value_of("00010000", whole[at:at + 4], 2007)[0]
           for at in range(0, 20, 4)]
    assert kwh == [1000.0] + [250.0] * 4


def test_bus_echoes_and_registers_when_told():
    bus = bus_of(meters.Meter645("000000000161"), echo=True,
                 registration=bytes.fromhex("D8B04CBDD147"))
    request = vector("dlt645-2007-01")
    heard = ask(bus, request)
    assert heard.startswith(request + bytes.fromhex("D8B04CBDD147FEFEFEFE68"))
    assert dlt645.decode(heard[len(request):])["prefix_bytes"] == 10


def test_request_is_found_in_noise_and_in_pieces():
    bus = bus_of(meters.Meter645("000000000161"))
    request = b"\x68\x68" + vector("dlt645-2007-01")
    bus.wire.reads = [request[:7], request[7:]]
    bus.step(0)
    bus.step(0)
    assert bus.answered == 1


def test_broadcast_time_sets_the_clock_a_little():
    meter = meters.Meter645("000000000161")
    now = meters.datetime.datetime.now(meters.CHINA)
    for minutes, taken in ((60, False), (2, True)):
        moment = now + meters.datetime.timedelta(minutes=minutes)
        data = meters.bcd(int(moment.strftime("%y%m%d%H%M%S")), 6)
        assert ask(bus_of(meter), dlt645.encode(
            dlt645.BROADCAST, dlt645.TIME, data)) == b""
        assert (abs(meter.now() - moment).total_seconds() < 3) == taken


def test_energy_grows_with_time():
    clock = Clock()
    load = modbus_meters.Load(120.0, 10.0, clock=clock)
    clock.now = 1800
    assert load.import_kwh == pytest.approx(70.0)
    back = modbus_meters.Load(-120.0, 10.0, clock=clock)
    clock.now = 3600
    assert (back.import_kwh, back.export_kwh) == (10.0, pytest.approx(60.0))


@pytest.mark.parametrize("order,standard,swapped", [
    ("1F90", True, False), ("901F", False, True), ("both", True, True)])
def test_water_meter_answers_the_order_it_knows(order, standard, swapped):
    bus = bus_of(meters.Meter188("78330011223344", order=order, flow=0))
    for asked, answers in ((False, standard), (True, swapped)):
        heard = ask(bus, cjt188.request(cjt188.WATER, "78330011223344",
                                        swapped=asked))
        assert bool(heard) == answers
        if answers:
            told = cjt188.decode(heard)
            assert told["total"] == 556.25 and told["total_unit"] == "2C"


def test_water_meter_tells_its_address():
    bus = bus_of(meters.Meter188("20260324152900", preamble=0))
    assert b"\xff" + ask(bus, vector("cjt188-08")) == vector("cjt188-09")


def test_both_kinds_share_a_bus():
    bus = bus_of(meters.Meter645("000000000161", load=still(7)),
                 meters.Meter188("42590008210438", cjt188.HEAT, flow=0))
    heat = cjt188.decode(ask(bus, cjt188.request(
        cjt188.HEAT, "42590008210438")))
    assert heat["volume_m3"] == 556.25 and heat["heat_now_kwh"] == \
        pytest.approx(556.25 * 38.5, abs=0.01)
    told = dlt645.decode(ask(bus, vector("dlt645-2007-01")))
    assert told["value"] == 7


# ---- Modbus

def rtu(unit, function, address, count):
    body = bytes([unit, function]) + address.to_bytes(2, "big") \
        + count.to_bytes(2, "big")
    return body + modbus.crc(body)


def server_of(units, **options):
    return modbus_meters.ModbusServer(Memory(), units, NO_FAULTS(), **options)


def captured(ident):
    """The float of a captured reply, all of its digits."""
    return struct.unpack(">f", vector(ident)[3:7])[0]


def load():
    one = still(captured("modbus-rtu-06"), 30.0)
    one.volts = [captured(f"modbus-rtu-0{number}") for number in (1, 2, 3)]
    one.hertz = captured("modbus-rtu-14")
    return one


def unit_of(model, **options):
    return modbus_meters.meter_unit(model, load(), **options)


@pytest.mark.parametrize("model,unit,request_frame,reply", [
    ("sdm630", 1, rtu(1, 4, 0x0000, 2), "modbus-rtu-01"),
    ("sdm630", 1, rtu(1, 4, 0x0002, 2), "modbus-rtu-02"),
    ("sdm630", 1, rtu(1, 4, 0x0004, 2), "modbus-rtu-03"),
    ("sdm630", 1, rtu(1, 3, 0x0000, 2), "modbus-rtu-04"),
    ("dtsu666", 3, rtu(3, 3, 0x101e, 2), "modbus-rtu-06"),
    ("schneider-pm5xxx", 1, rtu(1, 3, 3109, 2), "modbus-rtu-14")])
def test_modbus_meter_answers_as_captured(model, unit, request_frame, reply):
    server = server_of({unit: unit_of(model)})
    assert ask(server, request_frame) == vector(reply)


def test_schneider_registers_are_where_the_captures_ask():
    server = server_of({1: unit_of("schneider-pm5xxx")})
    told = modbus.decode(ask(server, vector("modbus-rtu-07")))
    assert told["float"] == pytest.approx(230.2, abs=1e-4)
    raw = ask(server, rtu(1, 3, 3203, 4))
    assert int.from_bytes(raw[3:11], "big") == 78200


@pytest.mark.parametrize("kg,frame,reply", [
    (-15889, vector("modbus-rtu-24"), "modbus-rtu-22"),
    (354, rtu(1, 3, 0x001e, 2), "modbus-rtu-23")])
def test_transmitter_answers_as_captured(kg, frame, reply):
    server = server_of({1: modbus_meters.scale_unit(Standing(kg))})
    assert ask(server, frame) == vector(reply)


def test_transmitter_says_that_it_moves():
    server = server_of({1: modbus_meters.scale_unit(Standing(20, True))})
    assert modbus.decode(ask(server, rtu(1, 3, 8, 1)))["u16"] & 0x20


def test_words_can_be_the_other_way_round():
    server = server_of({1: unit_of("sdm630", low_first=True)})
    raw = ask(server, rtu(1, 4, 0, 2))
    assert raw[3:7] == bytes.fromhex("33344366")


def test_unit_that_is_not_there_is_silent():
    server = server_of({1: unit_of("sdm630"), 2: unit_of("sdm630")})
    assert ask(server, rtu(9, 4, 0, 2)) == b""
    assert ask(server, rtu(2, 4, 0, 2))[0] == 2


def test_glitches_surround_the_answer():
    server = server_of({1: unit_of("sdm630")}, glitch=True)
    assert ask(server, rtu(1, 4, 0, 2)) == b"\0" + vector("modbus-rtu-01") \
        + b"\0"


@pytest.mark.parametrize("model", modbus_meters.MODELS)
def test_every_model_is_read_by_another_client_over_tcp(model):
    from pymodbus.client import ModbusTcpClient
    line = wire.open_wire("tcp:0", answers=True)
    server = modbus_meters.ModbusServer(
        line, {5: unit_of(model)}, NO_FAULTS(), "tcp")
    stopping = threading.Event()
    thread = threading.Thread(target=server.serve, args=(stopping,))
    thread.start()
    client = ModbusTcpClient("127.0.0.1", line.port)
    code, rows = modbus_meters.MODELS[model]
    read = client.read_holding_registers if code == 3 \
        else client.read_input_registers
    for address, kind, value in rows:
        count = len(modbus_meters.words(kind, 0))
        got = read(address, count, slave=5).registers
        assert got == modbus_meters.words(kind, value(load()))
    client.close()
    stopping.set()
    thread.join()
    line.close()


# ---- cameras

class Server:
    """Remembers requests; answers as told, the last answer for ever."""

    def __init__(self, *answers):
        self.answers, self.heard = list(answers), []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                if len(body) < length:
                    return  # the camera went away
                outer.heard.append((self.path, self.headers, body))
                status, text, headers = outer.next_answer()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def next_answer(self):
        answer = self.answers.pop(0) if len(self.answers) > 1 \
            else self.answers[0]
        return answer if len(answer) == 3 else (*answer, {})

    def passages(self):
        return [body for _, _, body in self.heard if b"heartbeat" not in body]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


STOP = 200, json.dumps({"Response_AlarmInfoPlate": {
    "info": "no", "content": "retransfer_stop"}}).encode()
GO_ON = 200, json.dumps({"Response_AlarmInfoPlate": {
    "info": "no", "content": "retransfer_stop",
    "ContinuePushOffline": {"plateid": 1, "continue": 1}}}).encode()
SICK = 503, b""


@pytest.fixture
def camera_of(monkeypatch):
    monkeypatch.setattr(cameras, "RETRY_S", 0.05)
    monkeypatch.setattr(cameras, "HEARTBEAT_S", 0.2)
    closing = []

    def make(kind, *answers, **options):
        server = Server(*answers or (STOP,))
        stopping = threading.Event()
        one = cameras.make(kind, "c1", server.url + options.pop("path", ""),
                           stopping, **options)
        one.start()
        closing.extend([stopping.set, one.join, server.close])
        return one, server

    yield make
    for end in closing:
        end()


def test_vz_resends_until_it_is_told_to_stop(camera_of):
    one, server = camera_of("vz", SICK, (200, b"OK"), (200, json.dumps({
        "Response_AlarmInfoPlate": {"info": "no"}}).encode()), STOP)
    one.see("云A12345", "yellow", scene=b"\xff\xd8scene\xff\xd9")
    wait(one.settled)
    bodies = server.passages()
    assert len(bodies) == 4 and len(set(bodies)) == 1
    assert camera.decode_vz(bodies[0])["plate"] == "云A12345"
    assert one.books()["answered"] == 1


def test_vz_goes_on_from_its_memory_as_it_is_asked(camera_of):
    one, server = camera_of("vz", *[SICK] * 15, STOP, GO_ON, STOP, STOP)
    for number in range(3):
        one.see(f"云A0000{number}", "yellow")
    wait(one.settled, 20)
    late = [told for told in map(camera.decode_vz, server.passages()[-3:])]
    assert [told["plate"] for told in late] == [
        "云A00000", "云A00001", "云A00002"]
    assert all(told["offline"] for told in late)


def test_hikvision_posts_once(camera_of):
    one, server = camera_of("hikvision", SICK, (200, b""))
    for _ in range(2):
        one.see("云A12345", "yellow", scene=b"\xff\xd8s\xff\xd9",
                cutout=b"\xff\xd8c\xff\xd9")
    wait(one.settled)
    assert len(server.heard) == 2
    assert (one.books()["answered"], one.books()["lost"]) == (1, 1)
    path, headers, body = server.heard[1]
    assert path == "/hikvision"
    assert headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert body.count(b"\xff\xd8") == 2


def test_every_boundary_holds(camera_of):
    one, server = camera_of("hikvision", (200, b""))
    for _ in cameras.BOUNDARIES:
        one.see("云A12345", "yellow", scene=b"\xff\xd8s\xff\xd9")
    wait(one.settled)
    seen = set()
    for _, headers, body in server.heard:
        boundary = headers.get_boundary()
        seen.add(boundary)
        assert body.startswith(f"--{boundary}\r\n".encode())
        assert body.endswith(f"\r\n--{boundary}--\r\n".encode())
    assert seen == set(cameras.BOUNDARIES)


CHALLENGE = ('Digest realm="cam", qop="auth", nonce="abc", opaque="xyz",'
             " algorithm=MD5")


def test_dahua_answers_the_challenge_and_completes_later(camera_of):
    one, server = camera_of(
        "dahua", (401, b"", {"WWW-Authenticate": CHALLENGE}),
        (200, b'{"Result":true}'), user="admin", password="secret",
        late_pictures=True)
    one.see("云A12345", "yellow", scene=b"\xff\xd8s\xff\xd9")
    wait(one.settled)
    asked = [(path, headers["Authorization"] is not None) for
             path, headers, body in server.heard if b"Plate" in body]
    assert asked == [(camera.DAHUA_PASSAGE, False),
                     (camera.DAHUA_PASSAGE, True),
                     (camera.DAHUA_PASSAGE, False)]
    told = [camera.decode_dahua(body) for _, _, body in server.heard
            if b"Plate" in body]
    assert told[0]["pictures"] == [] and told[2]["pictures"] == ["NormalPic"]
    assert len({one["local_time"] for one in told}) == 1


def test_digest_is_that_of_rfc_2617(monkeypatch):
    monkeypatch.setattr(cameras.os, "urandom",
                        lambda size: bytes.fromhex("0a4f113b"))
    told = cameras.digest(
        'Digest realm="testrealm@host.com", qop="auth,auth-int", '
        'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'opaque="5ccc069c403ebaf9f0171e9517f40e41"', "Mufasa",
        "Circle Of Life", "GET", "/dir/index.html")
    assert 'response="6629fae49393a05397450978507c4ef1"' in told


def test_cut_request_is_sent_again(camera_of):
    one, server = camera_of("vz", STOP, faults=cameras.HttpFaults(
        cut=0.5, torn=0.5, duplicate=0.5, pause_s=0.01, seed=3))
    for number in range(10):
        one.see(f"云A0000{number}", "yellow", scene=os.urandom(5000))
    wait(one.settled, 20)
    books = one.books()
    assert books["answered"] == 10 and all(books["faults"].values())
    assert {camera.decode_vz(body)["plate"] for body in server.passages()} \
        == {f"云A0000{number}" for number in range(10)}


def test_folder_camera_uploads_whole_pictures(tmp_path):
    stopping = threading.Event()
    one = cameras.make("folder", "c1", str(tmp_path), stopping)
    one.start()
    scene = cameras.jpeg.make(100)
    seen = one.see("云A12345", "yellow", scene=scene)
    wait(one.settled)
    file, = tmp_path.iterdir()
    assert file.read_bytes() == scene
    assert file.name == "云A12345_yellow_{}_1.jpg".format(
        seen.moment.strftime("%Y%m%d%H%M%S%f")[:17])
    stopping.set()


# ---- the command line

@pytest.fixture
def start():
    """start(word ...): devices.py, killed at the end of a test that failed."""
    started = []

    def make(*words):
        started.append(subprocess.Popen(
            [PYTHON, str(HERE / "devices.py"), *map(str, words)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield make
    for process in started:
        process.kill()
        process.communicate()


def books_of(process):
    process.send_signal(signal.SIGTERM)
    out, error = process.communicate(timeout=20)
    assert process.returncode == 0, error
    return json.loads(out)


def test_indicator_verb_prints_its_trucks(start, tmp_path):
    process = start("indicator", "--wire", f"pty:{tmp_path}/scale", "--count",
                    1, "--stand", 0.3, "--log", tmp_path / "log")
    wait((tmp_path / "scale").is_symlink)
    other = os.open(tmp_path / "scale", os.O_RDONLY | os.O_NOCTTY)
    wait(lambda: process.poll() is not None, 15)
    out, _ = process.communicate()
    assert json.loads(out)["trucks"] == 1
    visit = json.loads((tmp_path / "log").read_text())
    assert visit["heard"] and visit["gross_kg"] % 20 == 0
    os.close(other)


def test_bus_and_modbus_verbs_answer_until_they_are_told_to_stop(
        start, tmp_path):
    bus = start("bus", "--wire", f"pty:{tmp_path}/bus", "--meter",
                "dlt645-2007:000000000161", "--meter", "cjt188:78330011223344")
    wait((tmp_path / "bus").is_symlink)
    other = reader(tmp_path / "bus")
    os.write(other, vector("dlt645-2007-01"))
    time.sleep(0.3)
    told = dlt645.decode(os.read(other, 200))
    assert told["unit"] == "kWh"
    os.close(other)
    assert books_of(bus)["lines"][0]["answered"] == 1
    server = start("modbus", "--wire", f"pty:{tmp_path}/rtu", "--unit",
                   "1=sdm630")
    wait((tmp_path / "rtu").is_symlink)
    other = reader(tmp_path / "rtu")
    os.write(other, rtu(1, 4, 0, 2))
    time.sleep(0.3)
    assert modbus.decode(os.read(other, 200))["float"] == 230.2
    os.close(other)
    assert books_of(server)["lines"][0]["answered"] == 1


def test_pushes_verb_accounts_for_every_passage(start):
    server = Server(STOP)
    process = start("pushes", "--to", server.url + "/vz", "--count", 3,
                    "--rate", 20, "--picture-kb", 5)
    out, error = process.communicate(timeout=20)
    assert process.returncode == 0, error
    assert json.loads(out)["answered"] == 3
    assert len(server.passages()) == 3
    server.close()


def test_plan_moves_the_same_vehicle_past_camera_and_scale(start, tmp_path):
    server = Server(STOP)
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"lanes": [{
        "name": "in", "direction": "in",
        "head": {"kind": "vz", "name": "h", "where": server.url + "/vz"},
        "body": {"kind": "hikvision", "name": "b", "where": server.url},
        "scale": {"kind": "st-gs", "name": "s",
                  "wire": f"pty:{tmp_path}/scale",
                  "script": {"stand": 0.2, "empty": 0.1}}}]}))
    process = start("plant", "--plan", plan, "--count", 2, "--log",
                    tmp_path / "log")
    wait((tmp_path / "scale").is_symlink)
    other = os.open(tmp_path / "scale", os.O_RDONLY | os.O_NOCTTY)
    out, error = process.communicate(timeout=30)
    assert process.returncode == 0, error
    books = json.loads(out)
    assert (books["answered"], books["trucks"]) == (4, 2)
    log = [json.loads(line) for line in (tmp_path / "log").open()]
    trucks = [line["plate"] for line in log if "gross_kg" in line]
    assert sorted(trucks) == sorted(
        line["plate"] for line in log if line.get("camera") == "h")
    os.close(other)
    server.close()


@pytest.mark.parametrize("words", [
    ["indicator", "--wire", "smoke:signals"],
    ["bus", "--wire", "tcp:0", "--meter", "smoke:1"],
    ["plant", "--plan", "/nonexistent"]])
def test_wrong_words_do_not_start(start, words):
    process = start(*words)
    _, error = process.communicate(timeout=20)
    assert process.returncode == 1 and "Traceback" not in error
