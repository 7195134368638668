#!/usr/bin/python3
"""Seeds for the harnesses, out of tests/vectors.

    corpus.py BUILD FOLDER     FOLDER/fuzz_camera/... for each harness

Which number a protocol has is asked of the programs in BUILD.
"""
import hashlib
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FAMILIES = ("camera", "weighbridge", "meter")
NO_TYPE, FORM_DATA, MIXED = 0, 1, 2
JPEG = bytes.fromhex("FFD8FFD9")


def vectors():
    for name in ("devices.json", "meter_frames.json"):
        text = (ROOT / "tests/vectors" / name).read_text(encoding="utf-8")
        for vector in json.loads(text)["vectors"]:
            data = bytes.fromhex(vector["hex"]) if "hex" in vector \
                else vector["text"].encode("utf-8")
            yield vector["protocol"], data


def protocols(build, family):
    done = subprocess.run(
        [build / "adapters" / family / f"sampan-{family}", "--list-protocols"],
        capture_output=True, text=True, check=True)
    return [line.split()[0] for line in done.stdout.splitlines()]


def multipart(xml, boundary):
    """An event and its picture, as a camera posts them."""
    parts = [(b'name="anpr.xml"', b"text/xml", xml),
             (b'name="p"; filename="licensePlatePicture.jpg"', b"image/jpeg",
              JPEG)]
    return b"".join(
        b"--%s\r\nContent-Disposition: form-data; %s\r\nContent-Type: %s\r\n"
        b"\r\n%s\r\n" % (boundary, name, kind, body)
        for name, kind, body in parts) + b"--%s--\r\n" % boundary


def seeds(build, family):
    numbers = protocols(build, family)
    for protocol, data in vectors():
        if protocol not in numbers:
            continue
        number = numbers.index(protocol)
        yield bytes((number, NO_TYPE)) + data
        if protocol == "isapi-anpr" and data.startswith(b"<"):
            yield bytes((number, FORM_DATA)) + multipart(data, b"b")
            yield bytes((number, MIXED)) + multipart(data, b"--b")
        if protocol == "vz-http":
            yield bytes((number, NO_TYPE)) + data.decode().encode("gb18030")


def pieces(data, size):
    return b"".join(bytes((len(data[at:at + size]),)) + data[at:at + size]
                    for at in range(0, len(data), size))


def stream_seeds():
    """Every frame for every reader, whole and torn."""
    for protocol, data in vectors():
        if protocol.startswith(("dlt645", "cjt188", "modbus", "yaohua", "mt-",
                                "scale")):
            for number in range(13):
                yield bytes((number,)) + pieces(data + data, 5)
                yield bytes((number,)) + pieces(data, 200)


def write(folder, contents):
    folder.mkdir(parents=True, exist_ok=True)
    for content in contents:
        name = hashlib.sha256(content).hexdigest()[:16]
        (folder / name).write_bytes(content)


def main():
    build, folder = map(pathlib.Path, sys.argv[1:3])
    for family in FAMILIES:
        write(folder / f"fuzz_{family}", seeds(build, family))
    write(folder / "fuzz_stream", stream_seeds())


if __name__ == "__main__":
    main()
