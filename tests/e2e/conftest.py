"""What the end-to-end tests stand on: a site of its own for each test.

    stack       broker running, accounts made; the test starts what it needs
                (stack.start_standin, .write_settings, .start_bridge, .operator)
    site        the same with waits, loads and a strict end (harness.py)
    field       adapters and simulated devices for a site (field.py)

The programs come from the folder that SAMPAN_BUILD names, build/release
otherwise.  A test that fails shows the last lines of every log.
"""
import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "compose/demo"))

from stack import Stack  # noqa: E402 (found on the path set above)


@pytest.fixture(scope="session")
def build():
    folder = pathlib.Path(os.environ.get("SAMPAN_BUILD",
                                         ROOT / "build/release"))
    assert folder.is_dir(), f"{folder} is not there: cmake --preset release"
    return folder


@pytest.fixture
def stack(tmp_path, build, request):
    with Stack(tmp_path / "site", build) as site:
        site.start_broker()
        request.node.stash[STACK] = site
        yield site


@pytest.fixture
def site(tmp_path, build, request):
    from harness import Site
    with Site(tmp_path / "site", build) as site:
        request.node.stash[STACK] = site
        site.start_broker()
        yield site


@pytest.fixture
def field(site):
    from field import Field
    one = Field(site)
    yield one
    one.close()


STACK = pytest.StashKey()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    site = item.stash.get(STACK, None)
    if report.failed and site is not None:
        for process in site.processes:
            report.sections.append((f"{process.name}.log",
                                    process.last_words(40)))
