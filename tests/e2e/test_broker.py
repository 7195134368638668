"""The broker dies: who keeps until the receipt loses nothing.

A broker acknowledges from memory (compose/mosquitto.conf, autosave_interval),
so a sender that forgets at its PUBACK can lose what the broker took in the
last seconds.  That gap is the broker's; docs name it, no test asserts it.
"""
import random
import time

import pytest
from harness import Keeper, Load, access_record


def kill_broker(site):
    port = site.broker_port
    site.broker.kill()
    site.start_broker(port)


def rounds(site, count):
    sink = site.sink()
    site.source("erp", "gate")
    site.reload_accounts()
    platform = site.start_standin("yunnan")
    site.settings(site.generic("mes", sink.url), site.yunnan("gate", platform))
    site.start_bridge()
    keeper = Keeper(site, "erp", "gate", access_record, "vehicleAccess",
                    rate=80)
    keeper.start()
    for _ in range(count):
        made = keeper.made
        site.until(lambda: keeper.made > made + 20, 30, "some events")
        time.sleep(random.uniform(0, 0.5))  # at any moment
        kill_broker(site)
    keeper.finish(90)
    assert not keeper.rejected
    site.until(lambda: site.sums("gate")["delivered"] == keeper.made, 60,
               "every event")
    account = platform.stats()["interfaces"]["vehicleAccess"]
    assert account["accepted"] == keeper.made, "each once, whatever was resent"
    assert account["invalid"] == 0
    site.check_books()


def test_broker_killed_under_load_loses_no_kept_event(site):
    rounds(site, 4)


@pytest.mark.long
def test_broker_killed_often_loses_no_kept_event(site):
    rounds(site, 60)


def test_both_killed_at_once_lose_no_kept_event(site):
    platform = site.start_standin("yunnan")
    site.source("erp", "gate")
    site.reload_accounts()
    site.settings(site.yunnan("gate", platform))
    site.start_bridge()
    keeper = Keeper(site, "erp", "gate", access_record, "vehicleAccess",
                    rate=80)
    keeper.start()
    for _ in range(2):
        made = keeper.made
        site.until(lambda: keeper.made > made + 30, 30, "some events")
        site.kill_bridge()
        kill_broker(site)
        site.start_bridge()
    keeper.finish(90)
    site.until(lambda: site.sums("gate")["delivered"] == keeper.made, 60,
               "every event")
    account = platform.stats()["interfaces"]["vehicleAccess"]
    assert account["accepted"] == keeper.made and account["invalid"] == 0


def test_what_the_broker_drops_raises_an_alarm(site):
    """A session that outgrew its limit while the bridge was away: the broker
    has acknowledged and thrown away; the state says so."""
    sink = site.sink()
    site.settings(site.generic("mes", sink.url))
    site.start_bridge()
    site.stop_bridge()
    # 256 MiB are the limit; the messages are as large as the broker takes
    load = Load(site, rate=200, fill=4_000_000, limit=75)
    load.start()
    load.wait_limit(90)
    site.start_bridge()
    site.until(lambda: any("dropped" in words for words in
                           site.state()["troubles"]), 30, "the alarm")
