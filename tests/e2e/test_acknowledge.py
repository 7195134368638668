"""Promise 1 seen from the wire: no PUBACK before the commit."""
import json

import pytest
from fake_broker import FakeBroker
from harness import slow_flush

DATA, CONTROL = "sampan-bridge", "sampan-bridge-control"


@pytest.fixture
def wire(site, tmp_path):
    """The bridge on a broker by hand, its flushes behind a gate."""
    broker = FakeBroker()
    site.closing.append(broker)
    sink = site.sink()
    gate = tmp_path / "gate"
    site.settings(site.generic("mes", sink.url),
                  broker={"port": broker.port})
    site.start_bridge(env=slow_flush(tmp_path, wait_for=gate))
    site.until(lambda: {DATA, CONTROL} <= broker.subscribed, 10, "both links")
    yield broker, gate, sink
    gate.unlink(missing_ok=True)


def say(link, first, count):
    for ident in range(first, first + count):
        link.publish(ident, "line/1/result", b'{"id":"w%d"}' % ident)


def test_no_puback_leaves_before_the_commit(site, wire):
    broker, gate, sink = wire
    data = broker.links[DATA]
    say(data, 1, 20)
    site.until(lambda: len(data.acknowledged) == 20, 10, "twenty PUBACKs")
    gate.touch()
    say(data, 21, 50)
    control = broker.links[CONTROL]
    for number in range(5):  # admin lives while the disk does not
        ident = f"q{number}"
        control.publish(number + 1, f"{site.top}/admin/op/request", json.dumps(
            {"id": ident, "verb": "stats"}).encode())
        reply = site.until(lambda: next((
            json.loads(payload) for topic, payload in control.published
            if topic.endswith("/reply") and ident in payload.decode()), None),
            10, "the reply")
        assert reply["ok"]
    assert len(data.acknowledged) == 20, "a PUBACK left while nothing could"
    assert not any(ident.startswith("w2") and int(ident[1:]) > 20
                   for ident in sink.attempts), "or an upload of it"
    gate.unlink()
    site.until(lambda: len(data.acknowledged) == 70, 10, "the other PUBACKs")
    assert set(data.acknowledged) == set(range(1, 71))
    site.until(lambda: len(sink.accepted) == 70, 10, "all at the platform")


def test_pings_pass_while_pubacks_are_held(site, wire):
    """Nobody may take a slow disk for a dead bridge."""
    broker, gate, sink = wire
    site.stop_bridge()
    site.settings(site.generic("mes", sink.url),
                  broker={"port": broker.port, "keepalive_s": 5})
    broker.subscribed.clear()
    site.start_bridge(env=slow_flush(gate.parent, wait_for=gate))
    site.until(lambda: {DATA, CONTROL} <= broker.subscribed, 10, "both links")
    data = broker.links[DATA]
    gate.touch()
    say(data, 1, 5)
    site.until(lambda: data.pings >= 2, 20, "two pings")
    assert not data.acknowledged
    gate.unlink()
    site.until(lambda: len(data.acknowledged) == 5, 10, "the PUBACKs")


def test_lost_connection_drops_held_pubacks(site, wire):
    """What was not acknowledged comes again under the same id and is then
    acknowledged there; nothing is stored twice."""
    broker, gate, sink = wire
    gate.touch()
    say(broker.links[DATA], 1, 10)
    broker.links[DATA].cut()
    site.until(lambda: DATA not in broker.links, 10, "the end of the link")
    gate.unlink()
    site.until(lambda: DATA in broker.links, 15, "the next link")
    data = broker.links[DATA]
    say(data, 1, 10)
    site.until(lambda: len(data.acknowledged) == 10, 10, "the PUBACKs")
    site.until(lambda: len(sink.accepted) == 10, 10, "all at the platform")
    assert sink.duplicates() == 0
