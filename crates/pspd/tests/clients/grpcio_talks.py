"""A server of grpcio's for streams.proto, of which messages stay the bytes they are.

Run: python grpcio_talks.py; prints its port, then what becomes of calls, and ends with its standard input.
The first message of Collect says what is done: `early` refuses at once, `stall` reads nothing more until the client is gone;
anything else is read to the end, and the last message given back. Converse gives back each message.
"""

import sys
import threading
import time
from concurrent import futures

import grpc


def collect(requests, context):
    last = next(requests, b"")
    if b"early" in last:
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "enough")
    if b"stall" in last:
        gone = threading.Event()
        context.add_callback(gone.set)
        gone.wait()
        print("gone", flush=True)
        return b""
    for last in requests:
        pass
    return last


def converse(requests, context):
    yield from requests


def main():
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=20))
    handlers = {
        "Collect": grpc.stream_unary_rpc_method_handler(collect),
        "Converse": grpc.stream_stream_rpc_method_handler(converse),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("streams.v1.Talks", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print("port", port, flush=True)
    sys.stdin.read()
    server.stop(None)


main()
