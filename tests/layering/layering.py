#!/usr/bin/python3
"""The layers of the project: who may include what.

    layering.py ROOT        one line a violation; exit 1 when there is any
    layering.py --planted   plants violations in a folder of its own and checks
                            that each is found, and that clean files pass

What the build cannot see is caught here: an include that climbs out of its
folder, a library's header outside the folder that owns the library, one of
our own headers included upwards, and logging below the programs.
"""
import pathlib
import re
import sys
import tempfile

# Library headers, and the folders that may include them (with what is below).
LIBRARIES = {
    r"lmdb\.h": ["queue"],
    r"msgpack(/.*)?\.h": ["queue"],
    r"libdeflate\.h": ["queue"],
    r"openssl/.*": ["crypto", "base/mqtt"],
    r"MQTT.*\.h": ["base/mqtt"],
    r"cyaml/.*|yaml\.h": ["base/settings"],
    r"jansson\.h": ["bridge", "adapters"],
    r"curl/.*": ["bridge"],
    r"microhttpd\.h": ["bridge/console", "bridge/downlink", "adapters/camera"],
    r"modbus/.*|modbus\.h": ["adapters/meter", "adapters/weighbridge"],
    r"expat\.h": ["adapters/camera"],
    r"jpeglib\.h": ["adapters/camera"],
    r"zip\.h": ["bridge", "adapters/camera"],
    r"cmocka\.h": [],
}

# A folder, and whose headers it may include beside its own.  The longest
# folder that a file lies in decides; "bridge/config.h" names one header.
FOLDERS = {
    "base": [],
    "base/settings": ["base", "base/mqtt/mqtt.h"],
    "base/mqtt": ["base"],
    "queue": ["base"],
    "crypto": ["base"],
    "bridge/platforms": ["base", "crypto", "bridge/config.h"],
    "bridge": ["base", "base/settings", "base/mqtt", "queue", "crypto",
               "bridge/platforms"],
    "adapters": ["base", "base/settings", "base/mqtt", "queue"],
    "tests": None,  # anything of ours; libraries too: a test looks behind
}

# Adapters are apart from each other, also within `adapters`.
APART = ["adapters"]

# A status travels up from here; only programs log.
SILENT = ["base/settings", "base/mqtt", "queue", "crypto", "bridge/platforms"]

# The C library, POSIX and Linux.
SYSTEM = re.compile(r"(sys|arpa|net|netinet|linux|asm)/[a-z0-9_]+\.h|("
                    "assert|ctype|dirent|endian|errno|fcntl|fnmatch|getopt|glob|iconv"
                    "|inttypes|langinfo|libgen|limits|locale|malloc|math|netdb|poll"
                    "|pthread|regex|sched|semaphore|setjmp|signal|stdalign"
                    "|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib"
                    "|stdnoreturn|string|strings|syslog|termios|threads|time"
                    r"|unistd|wchar)\.h")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
COMMENT = re.compile(r"/\*.*?\*/", re.S)
TOPS = ["base", "queue", "crypto", "bridge", "adapters", "tests"]


def within(folder, top):
    return folder == top or folder.startswith(top + "/")


def layer_of(folder):
    """The row of FOLDERS that holds for a folder."""
    fitting = [row for row in FOLDERS if within(folder, row)]
    return max(fitting, key=len) if fitting else None


def sources(root):
    for top in TOPS:
        for path in sorted((root / top).rglob("*.[ch]")):
            yield path.relative_to(root)


def headers(root):
    """Name of a header -> the files that have it."""
    found = {}
    for path in sources(root):
        if path.suffix == ".h":
            found.setdefault(path.name, []).append(path)
    return found


def includes(text):
    """(line, kind, name) of every include that is not in a comment."""
    blank = COMMENT.sub(lambda m: "\n" * m.group().count("\n"), text)
    for match in INCLUDE.finditer(blank):
        line = blank.count("\n", 0, match.start(2)) + 1
        yield line, match.group(1), match.group(2)


def own_header(known, includer, name):
    """The file that an include of one of our headers means, or None."""
    fitting = [path for path in known.get(pathlib.Path(name).name, [])
               if path.as_posix().endswith(name)]
    beside = [path for path in fitting if path.parent == includer.parent]
    return (beside or fitting or [None])[0]


def own_fault(includer, header):
    """Why includer may not include header, or None."""
    here = includer.parent.as_posix()
    there = header.parent.as_posix()
    layer, other = layer_of(here), layer_of(there)
    if other == "tests" and layer != "tests":
        return "a header of the tests"
    allowed = FOLDERS[layer]
    if allowed is None:
        return None
    if header.name == "log.h" and there == "base" \
            and any(within(here, silent) for silent in SILENT):
        return "only programs log; a status travels up"
    if layer == other:
        inner = here.split("/")[1:2]
        if layer in APART and there != layer and there.split("/")[1:2] != inner:
            return f"{here} and {there} are apart"
        return None
    if other in allowed or header.as_posix() in allowed:
        return None
    return f"{layer} does not stand on {there}"


def library_fault(includer, name):
    """Why includer may not include <name>, or None."""
    here = includer.parent.as_posix()
    if within(here, "tests"):
        return None
    for pattern, owners in LIBRARIES.items():
        if re.fullmatch(pattern, name):
            if any(within(here, owner) for owner in owners):
                return None
            return "the library belongs to " + (" and ".join(owners) or "tests")
    if SYSTEM.fullmatch(name):
        return None
    return "no owner: name it in LIBRARIES of tests/layering/layering.py"


def violations(root):
    known = headers(root)
    for path in sources(root):
        text = (root / path).read_text(encoding="utf-8")
        for line, kind, name in includes(text):
            header = own_header(known, path, name)
            if ".." in name.split("/"):
                fault = "climbs out of its folder"
            elif kind == '"' and header is None:
                # Generated, or a test that includes what it tests.
                fault = None if within(path.parent.as_posix(), "tests") \
                    else "no such header in the project"
            elif kind == '"':
                fault = own_fault(path, header)
            else:
                fault = library_fault(path, name)
            if fault:
                yield f"{path}:{line}: {name}: {fault}"


# ---- the proof that it can fail ---------------------------------------------

CLEAN = {
    "base/log.h": "",
    "base/bytes.h": "#include <stddef.h>\n",
    "base/mqtt/mqtt.h": '#include "bytes.h"\n',
    "base/mqtt/mqtt.c": '#include "mqtt.h"\n#include <MQTTAsync.h>\n',
    "queue/queue.h": '#include "bytes.h"\n',
    "queue/queue.c": '#include <lmdb.h>\n/* #include <curl/curl.h> */\n',
    "crypto/crypto.h": "",
    "bridge/config.h": '#include "bytes.h"\n',
    "bridge/main.c": '#include "queue.h"\n#include "log.h"\n',
    "bridge/uplink/uplink.h": '#include <curl/curl.h>\n',
    "bridge/platforms/platform.c": '#include "config.h"\n#include <jansson.h>\n',
    "adapters/outbox.h": '#include "queue.h"\n',
    "adapters/camera/camera.h": '#include "outbox.h"\n',
    "adapters/meter/meter.c": '#include "outbox.h"\n#include <modbus/modbus.h>\n',
    "tests/unit/test_queue.c": '#include <cmocka.h>\n#include <lmdb.h>\n',
}

PLANTED = [
    ("queue/bad.c", '#include "../base/bytes.h"\n', "climbs out"),
    ("queue/bad.c", '#include "mqtt.h"\n', "does not stand on base/mqtt"),
    ("queue/bad.c", '\n\n#  include  "uplink.h"\n', "bad.c:3: "),
    ("queue/bad.c", '#include <jansson.h>\n', "belongs to bridge"),
    ("queue/bad.h", '#include "log.h"\n', "only programs log"),
    ("base/bad.c", '#include "queue.h"\n', "does not stand on queue"),
    ("base/mqtt/bad.c", '#include "log.h"\n', "only programs log"),
    ("base/bad.c", '#include <openssl/evp.h>\n', "belongs to crypto"),
    ("crypto/bad.c", '#include <lmdb.h>\n', "belongs to queue"),
    ("bridge/platforms/bad.c", '#include "queue.h"\n', "does not stand on"),
    ("bridge/platforms/bad.c", '#include "uplink.h"\n', "does not stand on"),
    ("bridge/platforms/bad.c", '#include <openssl/rsa.h>\n', "belongs to"),
    ("bridge/bad.c", '#include "camera.h"\n', "does not stand on adapters"),
    ("bridge/bad.c", '#include <lmdb.h>\n', "belongs to queue"),
    ("bridge/uplink/bad.c", '#include <microhttpd.h>\n', "bridge/console"),
    ("bridge/bad.c", '#include <sqlite3.h>\n', "no owner"),
    ("bridge/bad.c", '#include "nowhere.h"\n', "no such header"),
    ("bridge/bad.c", '#include <cmocka.h>\n', "belongs to tests"),
    ("adapters/meter/bad.c", '#include "camera.h"\n', "are apart"),
    ("adapters/meter/bad.c", '#include "config.h"\n', "does not stand on"),
    ("adapters/meter/bad.c", '#include "crypto.h"\n', "does not stand on"),
    ("adapters/meter/bad.c", '#include <expat.h>\n', "adapters/camera"),
]


def plant(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def planted():
    """What was planted and not found as expected."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in CLEAN.items():
            plant(root, name, text)
        yield from (f"clean, and yet: {fault}" for fault in violations(root))
        for name, text, expected in PLANTED:
            path = plant(root, name, text)
            found = list(violations(root))
            path.unlink()
            if len(found) != 1 or expected not in found[0]:
                yield f"{name}: {text.strip()}: found {found}"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if sys.argv[1] == "--planted":
        faults = list(planted())
    else:
        faults = list(violations(pathlib.Path(sys.argv[1])))
    print("\n".join(faults) or "the layers hold")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
