"""What schemathesis has to know to test a gateway by its document, where the document
has no word for it.

Loaded by schemathesis itself, which finds it by SCHEMATHESIS_HOOKS=openapi_hooks.
"""

import schemathesis
from hypothesis import strategies as st


def whole(least: int, most: int):
    return st.integers(least, most).map(str)


# Formats that JSON Schema leaves to whoever reads it.
schemathesis.openapi.format("int32", whole(-(2**31), 2**31 - 1))
schemathesis.openapi.format("uint32", whole(0, 2**32 - 1))
schemathesis.openapi.format("int64", whole(-(2**63), 2**63 - 1))
schemathesis.openapi.format("uint64", whole(0, 2**64 - 1))
schemathesis.openapi.format("google-duration", st.integers(-315_576_000_000, 315_576_000_000).map("{}s".format))
schemathesis.openapi.format("google-fieldmask", st.sampled_from(["", "a", "aName,b.c"]))


def within_oneofs(case):
    """Of the parameters of a oneof one may be given."""
    given = set()
    for parameter in case.operation.definition.raw.get("parameters", []):
        oneof, name = parameter.get("x-oneof"), parameter["name"]
        if oneof is None or name not in case.query:
            continue
        if oneof in given:
            del case.query[name]
        given.add(oneof)


def with_known_types(value):
    """An Any holds one of the messages that the services know."""
    if isinstance(value, dict):
        if isinstance(value.get("@type"), str):
            return {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "1s"}
        return {name: with_known_types(member) for name, member in value.items()}
    if isinstance(value, list):
        return [with_known_types(item) for item in value]
    return value


def within_reason(query):
    """What a stream takes in all is limited, and how long: 413 and 504 beyond it."""
    for name, most in (("count", 50), ("delayMs", 2)):
        try:
            query[name] = min(int(str(query[name])), most)
        except (KeyError, ValueError):
            pass


def finite(samples):
    """Statistics are of finite numbers, whose sum is finite too: 400 otherwise."""
    for sample in samples:
        try:
            value = float(sample["value"])
        except (KeyError, TypeError, ValueError):
            continue
        if not abs(value) < 1e100:
            sample["value"] = 1


@schemathesis.hook
def before_call(context, case, **kwargs):
    if isinstance(case.query, dict):
        within_oneofs(case)
        if case.path == "/b/numbers":
            within_reason(case.query)
    if case.path == "/b/statistics" and isinstance(case.body, list):
        finite(case.body)
    if isinstance(case.body, (dict, list)):
        case.body = with_known_types(case.body)
