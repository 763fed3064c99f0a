"""Validates TOML files with a JSON Schema, with parsers and a validator that were
written elsewhere. SCHEMA FILE...: a line for each file, `ok` or what is wrong."""

import json
import sys
import tomllib

from jsonschema import Draft202012Validator

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)

for name in sys.argv[2:]:
    with open(name, "rb") as file:
        document = tomllib.load(file)
    errors = sorted(validator.iter_errors(document), key=lambda error: error.json_path)
    told = "; ".join(f"{error.json_path}: {error.message}" for error in errors)
    print(" ".join(told.split()) or "ok")
