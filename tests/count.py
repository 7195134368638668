#!/usr/bin/python3
"""Counts test cases in JUnit files: "N passed, N failed, N skipped".

CTest reports a program of unit tests as one case; what cmocka printed inside
says how many facts it held.  A program that died before it could say so is
one failure.
"""
import argparse
import re
import xml.etree.ElementTree as ElementTree

CMOCKA = {
    "passed": re.compile(r"^\[       OK \] ", re.M),
    "failed": re.compile(r"^\[  FAILED  \] (?!.*\d+ test\(s\))", re.M),
    "skipped": re.compile(r"^\[  SKIPPED \] (?!.*\d+ test\(s\))", re.M),
}
BEGAN = re.compile(r"^\[ RUN      \] ", re.M)


def case_outcome(case):
    if case.find("failure") is not None or case.find("error") is not None \
            or case.get("status") in ("fail", "disabled", "notrun"):
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def count_case(case, counts):
    output = case.findtext("system-out") or ""
    outcome = case_outcome(case)
    began = len(BEGAN.findall(output))
    if not began:
        counts[outcome] += 1
        return
    # cmocka lists failed and skipped tests a second time at the end.
    head = output.split("[==========]")
    body = head[1] if len(head) > 1 else output
    found = {key: len(pattern.findall(body)) for key, pattern in CMOCKA.items()}
    for key, value in found.items():
        counts[key] += value
    if outcome == "failed" and not found["failed"]:
        counts["failed"] += 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--failed-steps", type=int, default=0)
    parser.add_argument("files", nargs="*")
    arguments = parser.parse_args()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for name in arguments.files:
        try:
            root = ElementTree.parse(name).getroot()
        except (OSError, ElementTree.ParseError):
            continue
        for case in root.iter("testcase"):
            count_case(case, counts)
    # A step that failed without a failing case (a build) still counts.
    counts["failed"] = max(counts["failed"], arguments.failed_steps)
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**counts))


if __name__ == "__main__":
    main()
