#!/usr/bin/python3
"""Fills a folder for the stack's profile "demo" (compose.yml):

    make_site.py FOLDER     accounts/, passwords/, secrets/ and bridge.yaml

A folder that has a site already is left alone.
"""
import json
import os
import pathlib
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


def write_for(uid, path, text):
    path.write_text(text, encoding="utf-8")
    path.chmod(0o400)
    if os.geteuid() == 0:
        os.chown(path, uid, uid)


def make_accounts(folder):
    accounts(folder, "init", "demo")
    for account, kind, names in plant.DEVICES:
        accounts(folder, "add", "device", account, kind, *names)
    for words in plant.OTHER_ACCOUNTS:
        accounts(folder, "add", *words)
    if os.geteuid() == 0:
        os.chown(folder / "passwords", DEMO_UID, DEMO_UID)
        for path in (folder / "passwords").iterdir():
            os.chown(path, DEMO_UID, DEMO_UID)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1]).resolve()
    if (folder / "bridge.yaml").exists():
        print(f"{folder} has a site already")
        return
    folder.mkdir(parents=True, exist_ok=True)
    make_accounts(folder)
    write_for(BRIDGE_UID, folder / "secrets/henan.password",
              plant.HENAN_PASSWORD)
    write_for(BRIDGE_UID, folder / "secrets/enterprise.json",
              json.dumps(plant.ENTERPRISE, ensure_ascii=False))
    settings = {
        "site": "demo",
        "broker": {"host": "broker", "username": "bridge",
                   "password_file": f"{SECRETS}/broker.password"},
        "store": {"folder": "/var/lib/sampan/store", "quota_mb": 2048,
                  "reserve_mb": 64},
        **plant.settings({name: f"http://{name}:8080"
                          for name in plant.PLATFORMS},
                         f"{SECRETS}/enterprise.json",
                         f"{SECRETS}/henan.password"),
    }
    (folder / "bridge.yaml").write_text(yaml_text(settings) + "\n",
                                        encoding="utf-8")
    (folder / "bridge.yaml").chmod(0o644)
    print(f"{folder}: a site for the profile demo")


if __name__ == "__main__":
    main()
