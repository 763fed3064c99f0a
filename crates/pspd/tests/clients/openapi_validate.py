"""Validates OpenAPI 3.1 documents with openapi-spec-validator, two at a time.

Run: python openapi_validate.py FILE...
Prints `ok FILE` lines; exits 1 when a document is not valid, with the first reasons.
"""

import json
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import islice

from openapi_spec_validator import OpenAPIV31SpecValidator

REASONS_MAX = 3


def reasons(path):
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    errors = OpenAPIV31SpecValidator(document).iter_errors()
    return [f"{list(error.absolute_path)}: {error.message[:300]}" for error in islice(errors, REASONS_MAX)]


def main(paths):
    wrong = False
    with ProcessPoolExecutor(2) as pool:
        for path, found in zip(paths, pool.map(reasons, paths)):
            wrong |= bool(found)
            print(f"not ok {path}: {'; '.join(found)}" if found else f"ok {path}")
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
