"""Promise 2: three resends, then the queue; and a platform that cannot be
reached costs no record an attempt."""
import time

import pytest
from harness import Load

RESENDS = [1, 2, 3]


def mes(site, sink, **uplink):
    return site.generic("mes", sink.url, uplink={
        "resend_after_s": RESENDS, "answer_timeout_s": 5,
        "connect_timeout_s": 2, "concurrency": 8, **uplink})


def refused_connections(site, count, seconds):
    sink = site.sink()
    site.settings(mes(site, sink))
    site.start_bridge()
    load = Load(site, limit=count, rate=count / seconds)
    load.start()
    site.until(lambda: len(sink.accepted) > count / 10, 30, "a beginning")
    sink.down()
    ends = time.monotonic() + seconds
    site.until(lambda: site.destination("mes")["condition"] == "unreachable",
               15, "the outage is seen")
    assert "mes" in " ".join(site.state()["troubles"])
    load.wait_limit(60)
    site.until(lambda: time.monotonic() > ends, seconds + 5, "the outage ends")
    seen = len(sink.accepted)
    assert seen < count / 2, "the outage was in the middle"
    sink.up()
    site.until(lambda: len(sink.accepted) == count, 90, "all at the platform")
    site.until(lambda: site.sums()["delivered"] == count, 30, "all delivered")
    rows = site.deliveries(destination="mes")
    assert len(rows) == count
    more = [row for row in rows if row["attempts"] != 1]
    assert len(more) <= 8, "only what was in flight lost an attempt"
    assert all(row["attempts"] <= 2 and row["rounds"] == 0 for row in rows)
    assert sink.duplicates() <= 8
    site.check_books()


def test_refused_connections_cost_no_attempt(site):
    refused_connections(site, 5000, 8)


@pytest.mark.long
def test_refused_connections_for_30_s_cost_no_attempt(site):
    refused_connections(site, 20000, 30)


def parked(site, sink, count):
    """A platform that answers 503; all records are parked in the end."""
    sink.rule = lambda ident, attempt: 503
    site.settings(mes(site, sink))
    site.start_bridge()
    Load(site, limit=count).run()
    site.until(lambda: site.sums()["parked"] == count, 60, "all are parked")


def test_busy_platform_gets_one_try_and_three_resends(site):
    sink = site.sink()
    parked(site, sink, 40)
    assert sink.histogram() == {4: 40}
    for row in site.deliveries():
        assert (row["state"], row["attempts"], row["rounds"]) == \
            ("parked", 4, 1), row
    sink.rule = None
    site.ctl("round", "mes")
    site.until(lambda: site.sums()["delivered"] == 40, 15, "the next round")
    assert sink.histogram() == {5: 40}
    assert {row["attempts"] for row in site.deliveries()} == {5}
    history = site.ask("show", entry=site.deliveries()[0]["entry"])["history"]
    assert [(one["state"], one["attempts"]) for one in history] == \
        [("parked", 4), ("delivered", 1)]


def test_first_success_after_a_failure_offers_the_parked_again(site):
    """No operator, and long before round_s is over."""
    sink = site.sink()
    parked(site, sink, 10)
    sink.rule = None
    site.speaker("plant").say("line/1/result", {"id": "fresh"})
    site.until(lambda: site.sums()["delivered"] == 11, 20, "the parked ones")
    assert sink.order[0] == "fresh"
    assert sink.histogram() == {1: 1, 5: 10}


def test_parked_records_stay_parked_over_a_restart(site):
    sink = site.sink()
    parked(site, sink, 10)
    site.stop_bridge()
    site.start_bridge()
    assert site.sums()["parked"] == 10
    assert sink.histogram() == {4: 10}
    sink.rule = None
    site.ctl("round", "mes")
    site.until(lambda: site.sums()["delivered"] == 10, 15, "the next round")


def test_resends_keep_their_distance(site):
    """1, 2 and 3 s, each up to a tenth longer."""
    sink = site.sink()
    times = []

    def rule(ident, attempt):
        times.append(time.monotonic())
        return 503

    sink.rule = rule
    site.settings(mes(site, sink))
    site.start_bridge()
    site.speaker("plant").say("line/1/result", {"id": "one"})
    site.until(lambda: site.sums()["parked"] == 1, 20, "it is parked")
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert len(gaps) == 3
    for gap, asked in zip(gaps, RESENDS):
        assert asked - 0.05 <= gap <= asked * 1.1 + 0.5, gaps


def test_sick_destination_delays_no_other(site):
    """Promise 4: one refuses connections, one is silent, one is well."""
    dead, silent, well = site.sink(), site.sink(), site.sink()
    dead.down()
    silent.rule = lambda ident, attempt: "silent"
    site.settings(
        site.generic("dead", dead.url), site.generic("well", well.url),
        site.generic("silent", silent.url,
                     uplink={"answer_timeout_s": 30, "concurrency": 2}),
        routes=[{"filter": "line/+/result", "destination": name,
                 "event_id": "/id"} for name in ("dead", "silent", "well")])
    site.start_bridge()
    began = time.monotonic()
    Load(site, limit=2000, rate=2000).run()
    site.until(lambda: len(well.accepted) == 2000, 20, "the healthy one")
    assert time.monotonic() - began < 15
    assert site.sums("dead")["waiting"] == 2000
    assert site.sums("silent")["waiting"] == 2000


def test_bad_record_delays_no_other(site):
    sink = site.sink()
    sink.rule = lambda ident, attempt: 503 if ident == "m7" else 200
    site.settings(mes(site, sink))
    site.start_bridge()
    Load(site, limit=1000, rate=2000).run()
    site.until(lambda: len(sink.accepted) == 999, 15, "all others")
    site.until(lambda: site.sums()["parked"] == 1, 15, "the bad one is parked")
    assert sink.attempts["m7"] == 4
