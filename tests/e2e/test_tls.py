"""Uploads over TLS: the platform is verified, the bridge shows its certificate,
and what does not fit is said and costs no record an attempt."""
import pathlib
import subprocess
import sys

import pytest
from harness import Speaker

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "platforms"))
from standin_client import Process  # noqa: E402


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True,
                   capture_output=True)


def authority(folder, name):
    openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
            "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out",
            f"{name}.crt")


def certificate(folder, name, signer, names):
    openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj",
            f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
    (folder / f"{name}.ext").write_text(f"subjectAltName={names}\n")
    openssl(folder, "x509", "-req", "-days", "2", "-in", f"{name}.csr", "-CA",
            f"{signer}.crt", "-CAkey", f"{signer}.key", "-CAcreateserial",
            "-extfile", f"{name}.ext", "-out", f"{name}.crt")
    (folder / f"{name}.key").chmod(0o600)


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("papers")
    authority(folder, "ca")
    authority(folder, "stranger")
    certificate(folder, "platform", "ca", "IP:127.0.0.1")
    certificate(folder, "elsewhere", "ca", "DNS:elsewhere.example")
    certificate(folder, "factory", "ca", "DNS:factory.example")
    return folder


def platform(papers, server="platform"):
    return Process("sink", extra=(
        "--tls-cert", str(papers / f"{server}.crt"), "--tls-key",
        str(papers / f"{server}.key"), "--client-ca", str(papers / "ca.crt")))


def hand_in(site, papers, sink, ca="ca", client=True, **other):
    destination = site.generic(
        "mes", f"https://127.0.0.1:{sink.port}", ca_file=str(papers / f"{ca}.crt"),
        uplink={"answer_timeout_s": 5, "connect_timeout_s": 3}, **other)
    if client:
        destination |= {"cert_file": str(papers / "factory.crt"),
                        "key_file": str(papers / "factory.key")}
    site.settings(destination)
    site.start_bridge()
    speaker = Speaker(site, "plant")
    speaker.say("line/1/result", {"id": "one"})
    speaker.close()


def test_upload_with_both_sides_verified(site, papers):
    with platform(papers) as sink:
        hand_in(site, papers, sink)
        site.until(lambda: site.sums("mes")["delivered"] == 1, 15, "delivered")
        tried = site.ctl("test", "mes").stdout
        assert "certificate verified" in tried


@pytest.mark.parametrize("server, ca, client, words", [
    ("platform", "stranger", True, "certificate"),
    ("elsewhere", "ca", True, "127.0.0.1"),
    ("platform", "ca", False, ""),
], ids=["unknown authority", "another's name", "without our certificate"])
def test_what_is_not_verified_gets_nothing(site, papers, server, ca, client,
                                           words):
    with platform(papers, server) as sink:
        hand_in(site, papers, sink, ca, client)
        site.until(lambda: site.destination("mes")["condition"] != "up" or
                   site.destination("mes")["failed"] > 0, 15, "it is noticed")
        if words:
            told = site.destination("mes")
            assert told["condition"] == "unreachable"
            assert words in told["reason"]
            assert site.deliveries()[0]["attempts"] == 0
        assert site.sums("mes")["delivered"] == 0
