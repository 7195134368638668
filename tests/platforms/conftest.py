import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from standin_client import (HenanClient, LiaoningClient, Process,  # noqa: E402
                            YunnanClient)

CLIENTS = {"yunnan": YunnanClient, "henan": HenanClient,
           "liaoning": LiaoningClient}


@pytest.fixture
def start():
    """start(PLATFORM, **options) -> a running stand-in."""
    running = []

    def start_one(platform, **options):
        running.append(Process(platform, **options))
        return running[-1]

    yield start_one
    for process in running:
        process.stop()


def ready(platform):
    """One stand-in for a whole test module, its books emptied per test."""
    @pytest.fixture(scope="module")
    def process():
        with Process(platform) as standin:
            client = CLIENTS[platform](standin)
            client.register() if hasattr(client, "register") else None
            client.login() if hasattr(client, "login") else None
            yield client

    return process


yunnan_process = ready("yunnan")
henan_process = ready("henan")
liaoning_process = ready("liaoning")


def emptied(client):
    client.standin.clear()
    client.standin.control("POST", "reset")
    return client


@pytest.fixture
def yunnan(yunnan_process):
    return emptied(yunnan_process)


@pytest.fixture
def henan(henan_process):
    return emptied(henan_process)


@pytest.fixture
def liaoning(liaoning_process):
    return emptied(liaoning_process)
