"""Promise 10: a wrong configuration does not start, and says where."""
import os
import re
import subprocess

import pytest

GOOD = """\
site: plant-1
broker:
  host: 127.0.0.1
  port: {port}
store:
  folder: {folder}/store
destinations:
  - name: mes
    platform: generic
    base_url: http://127.0.0.1:9/intake
"""


def run(site, *words, timeout=20):
    return subprocess.run([site.program("sampan-bridge"), *map(str, words)],
                          capture_output=True, text=True, timeout=timeout,
                          check=False)


def write(site, text, name="bridge.yaml"):
    path = site.folder / name
    path.write_text(text.format(port=site.broker_port, folder=site.folder))
    return path


@pytest.mark.parametrize("line, key, text, allowed", [
    (4, "broker.port", GOOD.replace("{port}", "70000"), "1 to 65535"),
    (1, "site", GOOD.replace("plant-1", "plant 1"), "letters"),
    (11, "colour", GOOD + "colour: blue\n", ""),
    (10, "destinations[0].base_url",
     GOOD.replace("http://127.0.0.1:9/intake", "ftp://x"), "http"),
    (9, "destinations[0].platform", GOOD.replace("generic", "hebei"),
     "yunnan, henan, liaoning, generic"),
], ids=["bounds", "form", "unknown-key", "url", "platform"])
def test_wrong_settings_do_not_start(site, line, key, text, allowed):
    path = write(site, text)
    for words in (("-c", path), ("--check-config", path)):
        done = run(site, *words)
        assert done.returncode == 2, done
        assert re.search(rf"{re.escape(str(path))}:{line}: .*"
                         rf"{re.escape(key)}", done.stderr), done.stderr
        assert allowed in done.stderr
    assert not (site.folder / "store").exists()


def test_every_mistake_is_told_at_once(site):
    path = write(site, "site: a b\nlog_level: loud\nbroker:\n  port: 0\n")
    words = run(site, "-c", path).stderr
    for found in (":1: site", ":2: log_level", ":4: broker.port",
                  "broker.host", "store"):
        assert found in words, words


def test_settings_that_are_not_there_do_not_start(site):
    assert run(site, "-c", site.folder / "none.yaml").returncode == 2
    assert run(site).returncode == 2


def test_a_secret_that_others_can_read_is_refused(site):
    secret = site.folder / "password"
    secret.write_text("open sesame")
    secret.chmod(0o644)
    path = write(site, GOOD.replace(
        "  port:", "  username: bridge\n  password_file: password\n  port:"))
    done = run(site, "-c", path)
    assert done.returncode == 2
    assert ":5: broker.password_file" in done.stderr, done.stderr
    assert "sesame" not in done.stderr + done.stdout
    secret.chmod(0o600)
    assert run(site, "--check-config", path).returncode == 0


def test_a_good_file_is_good_and_nothing_is_touched(site):
    path = write(site, GOOD)
    done = run(site, "--check-config", path)
    assert done.returncode == 0 and "good" in done.stdout
    assert not (site.folder / "store").exists()
    assert not (site.folder / "state").exists()


def test_a_path_for_an_interface_that_is_none_is_refused(site):
    path = write(site, GOOD + "    paths:\n"
                 "      - {{interface: nowhere, path: here}}\n")
    done = run(site, "-c", path)
    assert done.returncode == 2 and "nowhere" in done.stderr


def test_health_is_what_the_bridge_says(site):
    sink = site.sink()
    path = site.settings(site.generic("mes", sink.url))

    def health():
        done = run(site, "--health", "-c", path)
        return done.returncode, done.stdout

    assert health()[0] == 1  # never started
    site.start_bridge()
    code, words = health()
    assert code == 0 and "healthy" in words
    site.stop_bridge()
    state = site.folder / "state/health.json"
    text = state.read_text()  # as it would be a minute after a crash
    stamp = re.search(r'"time":"([^"]*)"', text).group(1)
    state.write_text(text.replace(stamp, "2026-11-20T08:00:00.000+08:00"))
    code, words = health()
    assert code == 1 and "unhealthy" in words


def test_a_second_bridge_on_the_same_store_does_not_start(site):
    sink = site.sink()
    path = site.settings(site.generic("mes", sink.url))
    site.start_bridge()
    done = run(site, "-c", path)
    assert done.returncode == 1
    assert "store_not_opened" in done.stdout + done.stderr
    assert site.ask("stats")["ok"]  # the first one goes on


def test_secrets_are_never_logged(site):
    """Promise 9, at the level that says most."""
    sink = site.sink()
    site.write_secret("header", "Authorization: Bearer very-secret-token\n")
    site.settings(site.generic("mes", sink.url, generic={
        "header_file": str(site.site_folder / "secrets/header")}),
        log_level="debug")
    site.start_bridge()
    speaker = site.speaker("plant")
    speaker.say("line/1/result", {"id": "a", "plate": "云A00001"})
    site.until(lambda: "a" in sink.accepted, 10, "the record")
    site.stop_bridge()
    text = site.bridge.last_words(100000)
    assert "very-secret-token" not in text
    assert site.password("bridge") not in text
    assert "云A00001" not in text
    for name, mode in (("store", 0o700), ("state", 0o700)):
        assert os.stat(site.folder / name).st_mode & 0o777 == mode
