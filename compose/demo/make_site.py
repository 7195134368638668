#!/usr/bin/python3
"""Fills a folder for the stack's profile "demo" (compose.yml):

    make_site.py FOLDER     accounts/, passwords/, secrets/ and bridge.yaml

A folder that has a site already is left alone.
"""
import os
import pathlib
import shutil
import subprocess
import sys

import plant
from stack import ROOT, yaml_text

BRIDGE_UID, DEMO_UID = 10001, 10003
SECRETS = "/etc/sampan/secrets"  # where compose.yml shows them to the bridge


def accounts(folder, *words):
    subprocess.run([ROOT / "compose/accounts", *words], check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   env={**os.environ, "SAMPAN_SITE_FOLDER": str(folder)})


def give(folder, uid):
    """Everything in it to the user of a container."""
    if os.geteuid() == 0:
        for path in (folder, *folder.iterdir()):
            os.chown(path, uid, uid)


def make_accounts(folder):
    accounts(folder, "init", "demo")
    for account, names in plant.DEVICES:
        accounts(folder, "add", "device", account, *names)
    for words in plant.OTHER_ACCOUNTS:
        accounts(folder, "add", *words)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1]).resolve()
    if (folder / "bridge.yaml").exists():
        print(f"{folder} has a site already")
        return
    folder.mkdir(parents=True, exist_ok=True)
    make_accounts(folder)
    plant.write_files(folder / "secrets")
    shutil.copy(folder / "secrets/ledger.csv", folder / "passwords")
    give(folder / "secrets", BRIDGE_UID)
    give(folder / "passwords", DEMO_UID)
    settings = {
        "site": "demo",
        "broker": {"host": "broker", "username": "bridge",
                   "password_file": f"{SECRETS}/broker.password"},
        "store": {"folder": "/var/lib/sampan/store", "quota_mb": 2048,
                  "reserve_mb": 64},
        **plant.settings({name: f"http://{name}:8080"
                          for name in plant.PLATFORMS},
                         SECRETS),
    }
    (folder / "bridge.yaml").write_text(yaml_text(settings) + "\n",
                                        encoding="utf-8")
    (folder / "bridge.yaml").chmod(0o644)
    print(f"{folder}: a site for the profile demo")


if __name__ == "__main__":
    main()
