"""The kill test can fail: what acknowledges before it stores, loses.

The same procedure, once with the bridge on a slow disk and once with a
forwarder that has no relay and stores in batches.
"""
from harness import HERE, slow_flush
from stack import PYTHON, StackError
from test_kill import check_duplicates, destination, kill_under_load


def test_bridge_on_a_slow_disk_loses_nothing(site, tmp_path):
    """Each flush 30 ms longer: more is in memory, nothing is answered for."""
    env = slow_flush(tmp_path, ms=30)
    sink = site.sink()
    site.settings(destination(site, sink))
    site.start_bridge(env=env)
    load, kills = kill_under_load(
        site, sink, 4, rate=600,
        start=lambda: site.start_bridge(ready=False, env=env))
    assert load.acked <= sink.accepted.keys()
    check_duplicates(sink, kills)


def test_forwarder_that_acknowledges_first_loses_something(site):
    """0 lost above says something only because this one is caught."""
    sink = site.sink()
    folder = site.folder / "early"
    folder.mkdir()

    def start():
        site.bridge = site.start("early", [
            PYTHON, HERE / "early_ack.py", site.broker_port,
            site.password_file("bridge"), folder, sink.port])

    start()
    load = None
    try:
        load, _ = kill_under_load(site, sink, 6, rate=600, start=start,
                                  patience=8)
    except StackError as told:
        assert "every acknowledged record" in str(told)
        site.kill_bridge()
        return
    raise AssertionError("nothing was lost: the procedure proves nothing")
