"""A WebSocket (`websockets`) and a gRPC call (grpcio) through gateway P over TLS.

Run: python tls_websocket.py FOLDER PORT
"""

import json
import pathlib
import ssl
import sys

import grpc
from websockets.sync.client import connect

folder, port = pathlib.Path(sys.argv[1]), sys.argv[2]
context = ssl.create_default_context(cafile=folder / "ca.crt")
with connect(f"wss://localhost:{port}/pspd.Echo/Converse", ssl=context) as socket:
    for text in ["one", "two"]:
        socket.send(json.dumps({"text": text}))
        answer = json.loads(socket.recv(timeout=15))
        assert text in json.dumps(answer), answer
print("ok websocket")

credentials = grpc.ssl_channel_credentials((folder / "ca.crt").read_bytes())
channel = grpc.secure_channel(f"localhost:{port}", credentials)
numbers = channel.unary_stream("/pspd.ServiceB/StreamNumbers")(b"\x08\x03", timeout=15)
assert [message[1] for message in numbers] == [1, 2, 3]
print("ok grpc")
