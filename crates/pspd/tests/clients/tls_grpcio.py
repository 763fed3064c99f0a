"""Services A and B over mutual TLS as grpcio calls them.

Run: python tls_grpcio.py FOLDER WHO A_PORT B_PORT
Shows the certificate FOLDER/WHO.crt, or none for `-`. Prints what the services answer and
their health, or the code of the failure.
"""

import pathlib
import sys

import grpc

folder, who, a_port, b_port = pathlib.Path(sys.argv[1]), *sys.argv[2:]
pair = (None, None)
if who != "-":
    pair = ((folder / f"{who}.key").read_bytes(), (folder / f"{who}.crt").read_bytes())
credentials = grpc.ssl_channel_credentials((folder / "ca.crt").read_bytes(), *pair)


def channel(port):
    return grpc.secure_channel(f"localhost:{port}", credentials)


try:
    # Field 1, a string: as the messages are so small, they are written by hand.
    a, b = channel(a_port), channel(b_port)
    hello = a.unary_unary("/pspd.ServiceA/SayHello")(b"\x0a\x01x", timeout=15)
    print(hello[2:].decode())
    numbers = b.unary_stream("/pspd.ServiceB/StreamNumbers")(b"\x08\x03", timeout=15)
    print([message[1] for message in numbers])
    health = b.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=15)
    print("SERVING" if health == b"\x08\x01" else health)
except grpc.RpcError as error:
    print(error.code().name)
