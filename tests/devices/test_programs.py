"""The adapters as programs: their manuals, their examples, their options."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SAMPAN_BUILD", ROOT / "build/release"))
ADAPTERS = ["camera", "weighbridge", "meter"]


def run(adapter, *words):
    return subprocess.run([BUILD / "adapters" / adapter / f"sampan-{adapter}",
                           *words], capture_output=True, text=True,
                          timeout=60, check=False)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_the_manual_is_what_the_program_prints(adapter):
    written = ROOT / f"docs/settings-{adapter}.md"
    assert run(adapter, "--manual").stdout == written.read_text("utf-8"), \
        f"sampan-{adapter} --manual >docs/settings-{adapter}.md"


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_the_example_is_good(adapter, tmp_path):
    """With its secret beside it, and the profiles where they lie here."""
    text = (ROOT / f"compose/{adapter}.yaml").read_text("utf-8")
    if adapter == "meter":
        text += f"\nprofile_folder: {ROOT}/adapters/meter/profiles\n"
    (tmp_path / "example.yaml").write_text(text, "utf-8")
    (tmp_path / "secrets").mkdir()
    for user in ("scales", "meters", "cameras"):
        secret = tmp_path / f"secrets/{user}.password"
        secret.write_text("x")
        secret.chmod(0o400)
    done = run(adapter, tmp_path / "example.yaml", "--check-config")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("words, code", [
    (["--help"], 0), (["--version"], 0), (["--list-protocols"], 0), ([], 2),
    (["--no-such"], 2), (["a", "b"], 2), (["/no/such/file"], 2),
    (["--decode", "no-such"], 2)])
def test_exit_codes(adapter, words, code):
    done = run(adapter, *words)
    assert done.returncode == code, done.stderr
    assert (done.stderr if code else done.stdout) != ""


WRONG = [
    ("weighbridge", "model: st-gs, speed: 1234", "speed: 1234 is no speed"),
    ("weighbridge", "model: big-display, format: 7E1", "format: 7E1 carries"),
    ("weighbridge", "model: modbus-rtu, modbus: {moving_bits: [5]}",
     "modbus.status_register: must be given"),
    ("meter", "protocol: cjt188, address: '1', type: '40'", "type: \"40\" is"),
    ("meter", "protocol: cjt188, address: '1', registers: [import_kwh]",
     "registers: \"import_kwh\" is nothing that"),
    ("meter", "protocol: cjt188, address: '1', registers: [heat_gj, foo]",
     "registers: \"foo\" is nothing that"),
]


@pytest.mark.parametrize("adapter, words, told", WRONG)
def test_settings_that_could_never_work_are_refused(adapter, words, told,
                                                    tmp_path):
    path = tmp_path / "wrong.yaml"
    device = f"- {{id: d1, port: /dev/ttyS0, division: 20, {words}}}" \
        if adapter == "weighbridge" else \
        f"- {{port: /dev/ttyS0, meters: [{{id: d1, {words}}}]}}"
    lists = {"weighbridge": "scales", "meter": "buses"}
    path.write_text("site: plant\nbroker: {host: 127.0.0.1, username: a}\n"
                    f"outbox: {{folder: {tmp_path}}}\n"
                    f"{lists[adapter]}:\n  {device}\n", "utf-8")
    done = run(adapter, path, "--check-config")
    assert done.returncode == 2, done.stderr
    assert told in done.stderr


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_wrong_setting_is_named_with_its_line(adapter, tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text("site: plant 1\nbroker: {host: 127.0.0.1, username: a}\n"
                    f"outbox: {{folder: {tmp_path}, quota_mb: 1}}\n", "utf-8")
    done = run(adapter, path, "--check-config")
    assert done.returncode == 2
    assert f"{path}:1: site: " in done.stderr
    assert f"{path}:3: outbox.quota_mb: " in done.stderr
