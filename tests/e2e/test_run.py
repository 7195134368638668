"""./run, as people start it (the building apart)."""
import os
import pathlib
import re
import signal
import subprocess

from stack import PYTHON, ROOT, wait_until


def demo(build, var, *words):
    return subprocess.Popen(
        [PYTHON, "-B", ROOT / "compose/demo/demo.py", "--build", build,
         "--var", var, *words], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL)


def processes_of(folder):
    """Those that name the folder on their command line."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(os.fsencode(folder) in word for word in words) \
                and int(entry.parent.name) != os.getpid():
            found.append(b" ".join(words))
    return found


def test_seconds_ends_with_books_that_agree(build, tmp_path):
    ran = demo(build, tmp_path, "--seconds", "8")
    output = ran.communicate(timeout=150)[0]
    assert ran.returncode == 0, output
    assert "the books agree" in output
    assert "liaoning/uploadEnergyData" in output
    for adapter in ("sampan-camera", "sampan-weighbridge", "sampan-meter"):
        assert re.search(rf"  {adapter} .* [1-9]\d* receipts", output), output
    assert processes_of(tmp_path) == []


def test_interrupt_leaves_no_process_and_the_next_run_starts(build, tmp_path):
    for number in (signal.SIGINT, signal.SIGKILL):
        ran = demo(build, tmp_path)
        assert "logs, settings" in ran.stdout.readline()  # all have started
        ran.send_signal(number)
        ran.communicate(timeout=20)
        wait_until(lambda: not processes_of(tmp_path), 10, "their end")
    assert (tmp_path / "demo.before/logs/bridge.log").exists()


def test_a_folder_in_use_is_refused(build, tmp_path):
    first = demo(build, tmp_path)
    wait_until((tmp_path / "demo").exists, 30, "the first")
    second = demo(build, tmp_path)
    assert "another ./run uses" in second.communicate(timeout=20)[0]
    assert second.returncode == 1
    first.terminate()
    first.communicate(timeout=20)
    assert first.returncode == 0
