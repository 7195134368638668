"""The schemas for makers of devices, their examples, and the manual's.

That the bridge says the same of the examples is shown in
tests/unit/test_message.c.
"""
import json
import pathlib
import re

import jsonschema
import pytest

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
SCHEMAS = sorted((DOCS / "schema").glob("*.json"))
EXAMPLES = sorted((DOCS / "schema/examples").glob("*.json"))


def validator(name):
    schema = json.loads((DOCS / f"schema/{name}.json").read_text("utf-8"))
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_schema_is_one_and_has_both_kinds_of_examples(path):
    jsonschema.Draft202012Validator.check_schema(
        json.loads(path.read_text("utf-8")))
    kinds = {example.name.split(".")[1] for example in EXAMPLES
             if example.name.split(".")[0] == path.stem}
    assert kinds == {"valid", "invalid"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_what_its_name_says(path):
    name, kind, _ = path.stem.split(".")
    body = json.loads(path.read_text("utf-8"))
    faults = list(validator(name).iter_errors(body))
    assert bool(faults) == (kind == "invalid"), faults


def test_examples_of_the_manual_are_valid():
    text = (DOCS / "topics.md").read_text("utf-8")
    found = re.findall(r"<!-- (\w+) -->\n```json\n(.*?)```", text, re.S)
    assert {name for name, _ in found} == {path.stem for path in SCHEMAS}
    for name, body in found:
        validator(name).validate(json.loads(body))
