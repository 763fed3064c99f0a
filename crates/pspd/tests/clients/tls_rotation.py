"""Asks A-REST over TLS while its certificates change: over one connection that is kept, and
over a new one each time. Ends well when new connections have shown a second certificate and
the kept one still answers; any failure ends it with code 1.

Run: python tls_rotation.py FOLDER PORT
"""

import http.client
import pathlib
import ssl
import sys
import time

folder, port = pathlib.Path(sys.argv[1]), int(sys.argv[2])


def connect():
    # The files are read each time; a pair may be half replaced at that moment.
    while True:
        context = ssl.create_default_context(cafile=folder / "ca.crt")
        try:
            context.load_cert_chain(folder / "client.crt", folder / "client.key")
        except ssl.SSLError:
            time.sleep(0.01)
            continue
        connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=30)
        connection.connect()
        return connection


def ask(connection):
    connection.request("GET", "/a/hello?name=x")
    answer = connection.getresponse()
    body = answer.read().decode()
    assert answer.status == 200 and "x!" in body, (answer.status, body)


kept = connect()
socket = kept.sock
seen = set()
ask(kept)
print("asking", flush=True)
while len(seen) < 2:
    ask(kept)
    new = connect()
    seen.add(new.sock.getpeercert(binary_form=True))
    ask(new)
    new.close()
ask(kept)
assert kept.sock is socket, "another connection was opened"
print("two certificates, one connection kept")
