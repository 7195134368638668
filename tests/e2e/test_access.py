"""Who may say and hear what: the rules that compose/accounts writes."""
import queue

import pytest
from harness import china, picture


@pytest.fixture
def accounts(site):
    sink = site.sink()
    site.accounts("add", "device", "camera-1", "camera")
    site.accounts("add", "device", "camera-2", "camera")
    site.source("erp", "gate")
    site.accounts("add", "gate", "barrier")
    site.reload_accounts()
    site.settings(site.generic("mes", sink.url))
    site.start_bridge()
    return site


USERS = ["plant", "camera-1", "erp", "barrier"]


@pytest.mark.parametrize("user", USERS)
def test_nobody_but_operators_may_ask(accounts, user):
    site = accounts
    done = site.ctl("--timeout", 3, "stats", user=user, code=1)
    assert "no answer" in done.stderr or "let us in" in done.stderr
    speaker = site.speaker(user)
    for who in (user, "op"):
        speaker.try_to_say(f"{site.top}/admin/{who}/request",
                           {"verb": "stats"})
    site.ask("stats")  # comes after them
    log = site.bridge.last_words(500)
    assert f"user={user} " not in log
    assert log.count("event=admin user=op verb=stats") == 1


def test_an_operator_asks_in_no_other_name(accounts):
    site = accounts
    site.accounts("add", "operator", "op2")
    site.reload_accounts()
    first = site.speaker("op")
    first.try_to_say(f"{site.top}/admin/op2/request",
                     {"id": "x", "verb": "stats"})
    site.ask("stats")
    assert "user=op2" not in site.bridge.last_words(500)


def test_a_device_speaks_for_no_other(accounts):
    site = accounts
    receipts = site.receipts("camera-1", "camera", "camera-1")

    said = {"event_id": "own", "time": china(), "pictures": [picture("head")]}
    receipts.try_to_say(f"{site.top}/camera/camera-2/capture", said)
    receipts.try_to_say(f"{site.top}/meter/camera-1/reading", said)
    receipts.try_to_say(f"{site.top}/up/gate/vehicleAccess", said)
    receipts.say(f"{site.top}/camera/camera-1/capture", said)
    site.until(lambda: "own" in receipts.stored, 10, "its own receipt")
    rows = site.check_books()["events"]
    assert [(row["kind"], row["received"]) for row in rows] == [
        ("camera/capture", 1)]


def test_an_adapter_speaks_for_its_devices_and_itself(accounts):
    site = accounts
    site.accounts("add", "device", "gates", "camera/gate-1", "camera/gate-2")
    site.reload_accounts()
    watcher = site.speaker("op", f"{site.top}/+/+/status")
    adapter = site.speaker("gates", f"{site.top}/receipt/camera/+",
                           f"{site.top}/bridge/state")
    adapter.try_to_say(f"{site.top}/camera/camera-1/status", {"online": True})
    adapter.try_to_say(f"{site.top}/meter/gates/status", {"online": True})
    adapter.try_to_say(f"{site.top}/camera/gates/capture", {"event_id": "x"})
    adapter.say(f"{site.top}/camera/gates/status", {"online": True})
    adapter.say(f"{site.top}/camera/gate-2/status",
                {"online": True, "via": "gates"})
    told = [watcher.heard.get(timeout=10).topic for _ in range(2)]
    assert told == [f"{site.top}/camera/gates/status",
                    f"{site.top}/camera/gate-2/status"]
    camera = site.receipts("camera-1", "camera", "camera-1")
    for speaker, device in ((camera, "camera-1"), (adapter, "gate-1")):
        speaker.say(f"{site.top}/camera/{device}/capture", {
            "event_id": "a", "time": china(), "pictures": [picture("head")]})
    site.until(lambda: "a" in camera.stored, 10, "the other's receipt")
    heard = set()
    while f"{site.top}/receipt/camera/gate-1" not in heard:
        heard.add(adapter.heard.get(timeout=10).topic)
    assert heard == {f"{site.top}/bridge/state",
                     f"{site.top}/receipt/camera/gate-1"}


def test_nobody_hears_what_is_not_theirs(accounts):
    """Receipts of others, replies to operators, what devices say."""
    site = accounts
    spy = site.speaker("camera-2", f"{site.top}/camera/#",
                       f"{site.top}/admin/#", f"{site.top}/receipt/#", "line/#")
    receipts = site.receipts("camera-1", "camera", "camera-1")
    receipts.say(f"{site.top}/camera/camera-1/capture", {
        "event_id": "a", "time": china(), "pictures": [picture("head")]})
    site.until(lambda: "a" in receipts.stored, 10, "the receipt")
    site.speaker("plant").say("line/1/result", {"id": "a"})
    site.ask("stats")
    spy.say(f"{site.top}/camera/camera-2/capture", {
        "event_id": "b", "time": china(), "pictures": [picture("head")]})
    heard = spy.heard.get(timeout=10)
    assert heard.topic == f"{site.top}/receipt/camera/camera-2"
    with pytest.raises(queue.Empty):
        spy.heard.get_nowait()


def test_nobody_forges_the_bridges_state_or_receipts(accounts):
    site = accounts
    watcher = site.speaker("camera-2", f"{site.top}/bridge/state",
                           f"{site.top}/receipt/camera/camera-2")
    assert watcher.hear()["online"]
    liar = site.speaker("camera-1")
    liar.try_to_say(f"{site.top}/bridge/state", {"forged": True})
    liar.try_to_say(f"{site.top}/receipt/camera/camera-2", {"stored": ["x"]})
    site.speaker("plant").say("line/1/result", {"id": "a"})
    site.until(lambda: site.sums()["delivered"] == 1, 10, "time has passed")
    while not watcher.heard.empty():
        told = watcher.hear()
        assert "forged" not in told and "stored" not in told


def test_wrong_password_does_not_come_in(accounts):
    site = accounts
    secret = site.folder / "wrong"
    secret.write_text("guess")
    secret.chmod(0o600)
    done = site.ctl("--timeout", 3, "--password-file", secret, "stats", code=1)
    assert "does not let us in" in done.stderr


def test_state_says_offline_when_the_bridge_dies(accounts):
    site = accounts
    watcher = site.speaker("barrier", f"{site.top}/bridge/state")
    assert watcher.hear()["online"]
    site.kill_bridge()
    site.until(lambda: watcher.hear()["online"] is False, 15, "the last will")
    site.start_bridge()
    site.until(lambda: watcher.hear()["online"], 15, "the new one")
