"""What compose/accounts makes, and that the examples fit it."""
import os
import pathlib
import re
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def accounts(tmp_path):
    def run(*words):
        subprocess.run([ROOT / "compose/accounts", *words], check=True,
                       env={**os.environ, "SAMPAN_SITE_FOLDER": str(tmp_path)})
        return tmp_path
    run("init", "plant-1")
    return run


def may_write(folder, user):
    """The topics of one user's paragraph of the broker's list."""
    for part in (folder / "accounts/acl").read_text().split("\n\n"):
        if part.strip().startswith(f"user {user}\n"):
            return {line.removeprefix("topic write sampan/v1/plant-1/")
                    for line in part.splitlines() if " write " in line}
    return set()


def test_an_adapters_password_is_where_it_reads_it(accounts):
    folder = accounts("add", "adapter", "cameras", "camera/cam-a")
    secret = folder / "secrets/cameras.password"
    assert re.fullmatch("[0-9a-f]{40}", secret.read_text())
    assert secret.stat().st_mode & 0o777 == 0o400
    assert not (folder / "passwords/cameras").exists()
    assert may_write(folder, "cameras") == {"camera/cam-a/#",
                                            "camera/cameras/status"}
    accounts("remove", "cameras")
    assert not secret.exists()
    assert may_write(folder, "cameras") == set()


@pytest.mark.parametrize("kind", ["adapter", "device"])
def test_an_account_that_exists_gets_more_devices(accounts, kind):
    folder = accounts("add", kind, "cameras", "camera/cam-a")
    before = (folder / "accounts/passwd").read_text()
    accounts("add", "operator", "li")
    for _ in "12":
        accounts("extend", "cameras", "camera/cam-b", "meter/m-1")
    assert may_write(folder, "cameras") == {
        "camera/cam-a/#", "camera/cam-b/#", "meter/m-1/#",
        "camera/cameras/status", "meter/cameras/status"}
    assert before in (folder / "accounts/passwd").read_text()
    listed = (folder / "accounts/list").read_text()
    assert listed.count("camera/cam-b") == 1


@pytest.mark.parametrize("words", [
    ("li", "camera/cam-b"), ("nobody", "camera/cam-b"), ("cameras",),
    ("cameras", "door/d-1"), ("cameras", "camera/+")])
def test_nothing_else_is_extended(accounts, words):
    folder = accounts("add", "adapter", "cameras", "camera/cam-a")
    accounts("add", "operator", "li")
    before = (folder / "accounts/acl").read_text()
    with pytest.raises(subprocess.CalledProcessError):
        accounts("extend", *words)
    assert (folder / "accounts/acl").read_text() == before


@pytest.mark.parametrize("program,devices", [
    ("camera", lambda found: found["cameras"]),
    ("weighbridge", lambda found: found["scales"]),
    ("meter", lambda found: [meter for bus in found["buses"]
                             for meter in bus["meters"]])])
def test_the_account_of_an_example_has_all_its_devices(accounts, program,
                                                       devices):
    text = (ROOT / f"compose/{program}.yaml").read_text()
    told = re.search(r"# accounts (add adapter .*\n(?: +#   .*\n)*)", text)
    folder = accounts(*told[1].replace("#", " ").split())
    example = yaml.safe_load(text)
    user = example["broker"]["username"]
    assert {f"{program}/{one['id']}/#" for one in devices(example)} \
        | {f"{program}/{user}/status"} == may_write(folder, user)
    assert (folder / example["broker"]["password_file"]).exists()
