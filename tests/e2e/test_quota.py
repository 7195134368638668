"""Promise 6: full is not lost."""
import pytest
from harness import FAKETIME, Load, faketime, wait_until

QUOTA = {"quota_mb": 64, "reserve_mb": 16}
FILL = 300_000  # bytes a message, as a passage with two pictures has


def fill(site, count=260, rate=60):
    """More than the quota holds; the broker keeps what the bridge refuses."""
    load = Load(site, rate=rate, fill=FILL, limit=count)
    load.start()
    return load


def is_full(site):
    return site.state()["full"]


def test_full_store_acknowledges_nothing_and_loses_nothing(site):
    """when_full: stop.  While the platform is away the store fills up; the
    bridge says so, operators are answered, and when the platform is back
    everything arrives that was acknowledged or waits at the broker."""
    sink = site.sink()
    sink.down()
    site.settings(site.generic("mes", sink.url, uplink={
        "resend_after_s": [1, 2, 3]}), store={**QUOTA, "when_full": "stop"})
    site.start_bridge()
    load = fill(site)
    site.until(lambda: is_full(site), 60, "the store is full")
    stored = site.ask("stats")
    assert stored["store"]["used_bytes"] <= 64 << 20
    told = " ".join(site.state()["troubles"])
    assert "size limit" in told and "deliveries go on" in told
    site.ctl("verify")
    received = stored["events"][0]["received"]
    load.wait_limit(60)
    after = site.ask("stats")["events"][0]["received"]
    assert after < received + 20, "it took more though it was full"
    sink.up()  # deliveries go on while it is full
    site.until(lambda: len(sink.accepted) >= after, 60, "what it stored")
    assert is_full(site)
    assert site.ctl("list", "--limit", 5).stdout
    site.stop_bridge()
    room = {**QUOTA, "quota_mb": 512, "when_full": "stop"}
    site.settings(site.generic("mes", sink.url), store=room)
    site.start_bridge()  # the operator gave it room
    site.until(lambda: load.acked <= sink.accepted.keys(), 60, "everything")
    site.until(lambda: not is_full(site), 10, "not full any more")
    site.check_books()


def test_full_bridge_ends_in_time_and_stays_full(site):
    sink = site.sink()
    sink.down()
    site.settings(site.generic("mes", sink.url),
                  store={**QUOTA, "when_full": "stop"})
    site.start_bridge()
    fill(site)
    site.until(lambda: is_full(site), 60, "the store is full")
    site.stop_bridge()
    site.start_bridge()
    site.until(lambda: is_full(site), 20, "it is full again")
    assert site.ask("stats")["ok"]


def test_operator_makes_room_by_discarding(site):
    """Full of what nobody can take: changes still have their reserve."""
    sink = site.sink()
    sink.rule = lambda ident, attempt: 422
    site.settings(site.generic("mes", sink.url),
                  store={**QUOTA, "when_full": "stop"})
    site.start_bridge()
    fill(site)
    site.until(lambda: is_full(site), 60, "the store is full")
    site.until(lambda: site.sums()["waiting"] == 0, 20, "all were refused")
    sums = site.sums()
    assert sums["rejected"] == sums["made"]
    site.ctl("discard", "--yes", "--destination", "mes", "--state", "rejected",
             "--reason", "test")
    assert site.sums()["discarded"] == sums["made"]
    site.check_books()


@pytest.mark.skipif(not FAKETIME, reason="libfaketime is not installed")
def test_delivered_months_are_shed_first(site):
    """when_full: shed_delivered.  Last month's pictures go, loudly, and the
    bridge goes on acknowledging."""
    sink = site.sink()
    site.settings(site.generic("mes", sink.url), store=dict(QUOTA))
    site.start_bridge(env=faketime("-32d"))
    first = fill(site, 120)
    site.until(lambda: len(sink.accepted) == 120, 60, "last month's")
    first.finish()
    site.until(lambda: site.sums()["delivered"] == 120, 20, "all delivered")
    site.stop_bridge()
    site.start_bridge()
    second = Load(site, rate=60, fill=FILL, limit=120, prefix="n")
    second.start()
    site.until(lambda: len(sink.accepted) == 240, 60, "this month's too")
    second.finish()
    log = site.bridge.last_words(2000)
    assert "pictures_shed" in log or "month_dropped" in log
    assert wait_until(lambda: not is_full(site), 20, "it is not full")
    site.check_books()
    assert site.ask("verify", 60)["good"]
