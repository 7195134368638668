"""A box without a battery clock starts in 1970."""
import datetime

import pytest
from harness import FAKETIME, Load, faketime

pytestmark = pytest.mark.skipif(not FAKETIME,
                                reason="libfaketime is not installed")


def test_uploads_wait_for_a_plausible_clock_and_ingest_does_not(site):
    sink = site.sink()
    site.settings(site.generic("mes", sink.url))
    site.start_bridge(env=faketime("@1970-01-01 00:01:00"))
    Load(site, limit=200).run()
    site.until(lambda: site.sums()["waiting"] == 200, 20, "all are stored")
    state = site.destination("mes")
    assert state["condition"] == "no_clock" and "clock" in state["reason"]
    assert not sink.attempts
    site.check_books()
    site.stop_bridge()
    site.start_bridge()
    site.until(lambda: site.sums()["delivered"] == 200, 20, "all delivered")
    assert sink.histogram() == {1: 200}
    site.check_books()
    assert site.ask("verify")["good"]


def test_clock_that_becomes_right_starts_the_uploads(site, tmp_path):
    """No restart: time is set under the running bridge."""
    offset = tmp_path / "offset"
    offset.write_text("-20000d")
    env = faketime("-20000d")
    del env["FAKETIME"]
    env.update(FAKETIME_TIMESTAMP_FILE=str(offset), FAKETIME_NO_CACHE="1")
    sink = site.sink()
    site.settings(site.generic("mes", sink.url))
    site.start_bridge(env=env)
    site.speaker("plant").say("line/1/result", {"id": "a"})
    site.until(lambda: site.sums()["waiting"] == 1, 10, "it waits")
    assert not sink.attempts
    offset.write_text("+0d")
    site.until(lambda: "a" in sink.accepted, 15, "it goes")


def test_clock_that_goes_back_keeps_working(site):
    """Records are numbered by sequence, months only grow."""
    sink = site.sink()
    site.settings(site.generic("mes", sink.url))
    site.start_bridge(env=faketime("+40d"))
    Load(site, limit=50).run()
    site.until(lambda: site.sums()["delivered"] == 50, 20, "delivered")
    site.stop_bridge()
    site.start_bridge()
    Load(site, limit=50, prefix="n").run()
    site.until(lambda: len(sink.accepted) == 100, 20, "delivered")
    site.until(lambda: site.sums()["delivered"] == 100, 20, "delivered")
    now = datetime.datetime.now()
    months = [one.name for one in (site.folder / "store").iterdir()
              if one.name.startswith("20")]
    assert months and min(months) >= now.strftime("%Y-%m")
    site.check_books()
    assert site.ask("verify")["good"]
