"""Python's own HTTP client and its zlib against a gateway that compresses.

Run: GATEWAY_URL=http://127.0.0.1:8080 python compression_client.py
Behind the gateway, POST /v1/books answers the book of its body.
Prints `ok NAME` lines; an exception ends it with 1.
"""

import gzip
import json
import os
import urllib.error
import urllib.request
import zlib

BOOKS = os.environ["GATEWAY_URL"].rstrip("/") + "/v1/books"
BODY = json.dumps({"parent": "p" * 20_000}).encode()


def post(body, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(BOOKS, data=body, headers=named)
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def check(name, condition, seen):
    if not condition:
        raise AssertionError(f"{name}: {seen}")
    print(f"ok {name}")


def stored(body):
    """Valid gzip of which nothing is compressed, with every optional field of its head."""
    head = b"\x1f\x8b\x08\x1e" + b"\0" * 6 + b"\x04\0" + b"ab\0\0" + b"name\0" + b"comment\0"
    head += (zlib.crc32(head) & 0xFFFF).to_bytes(2, "little")
    deflate = zlib.compressobj(0, zlib.DEFLATED, -15)
    raw = deflate.compress(body) + deflate.flush()
    return head + raw + zlib.crc32(body).to_bytes(4, "little") + len(body).to_bytes(4, "little")


status, headers, answer = post(BODY)
check("nothing is compressed unasked", headers["content-encoding"] is None, headers)
plain = answer

for level in (0, 1, 6, 9):
    status, _, answer = post(gzip.compress(BODY, level), Content_Encoding="gzip")
    check(f"a body of level {level}", (status, answer) == (200, plain), (status, answer))

status, _, answer = post(stored(BODY), Content_Encoding="gzip")
check("a body with a long head", (status, answer) == (200, plain), (status, answer))

status, _, answer = post(gzip.compress(BODY) + gzip.compress(b" \n"), Content_Encoding="gzip")
check("a body of two members", (status, answer) == (200, plain), (status, answer))

wide = zlib.compressobj(9, zlib.DEFLATED, 31, 1, zlib.Z_HUFFMAN_ONLY)
status, _, answer = post(wide.compress(BODY) + wide.flush(), Content_Encoding="gzip")
check("a body of another strategy", (status, answer) == (200, plain), (status, answer))

status, headers, answer = post(zlib.compress(BODY), Content_Encoding="deflate")
check("no deflate", (status, headers["accept-encoding"]) == (415, "gzip, zstd"), answer)

titled = json.dumps({"book": {"title": "again and " * 2_000}}).encode()
status, headers, answer = post(titled, Accept_Encoding="gzip")
check("a compressed answer", headers["content-encoding"] == "gzip", headers)
body = gzip.decompress(answer)
check("that can be read", json.loads(body)["title"] == "again and " * 2_000, body[:100])
check("and is short", len(answer) == int(headers["content-length"]) < 1_000, headers)
