"""Says of a document (JSON) what the schema of compose files has against it.

Arguments: the schema's file, the document's. Prints "ok", or a line a fault.
"""

import json
import sys

import jsonschema


def main(schema, document):
    with open(schema) as file:
        validator = jsonschema.Draft7Validator(json.load(file))
    with open(document) as file:
        faults = list(validator.iter_errors(json.load(file)))
    for fault in faults:
        print(f"{'.'.join(map(str, fault.path))}: {fault.message}")
    if not faults:
        print("ok")


main(*sys.argv[1:])
