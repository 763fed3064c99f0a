"""A grpcio server of library.v1.Library.CreateBook that compresses what it sends.

Run: python compressing_server.py
Prints its address, and serves until its standard input ends; then it prints how many bytes
came and went on its connections. The answer is the book of the request, as it came.
"""

import socket
import sys
import threading
from concurrent import futures

import grpc


def varint(data, place):
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place


def book_of(request):
    """Field 2 of a request all of whose fields have a length."""
    place = 0
    while place < len(request):
        key, place = varint(request, place)
        length, place = varint(request, place)
        if key >> 3 == 2:
            return request[place : place + length]
        place += length
    return b""


def create_book(request, context):
    return book_of(request)


class Relay:
    """Passes bytes on to the server and back, and counts them."""

    def __init__(self, port):
        self.port = port
        self.counts = [0, 0]
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.start(self.accept)

    @staticmethod
    def start(target, *args):
        threading.Thread(target=target, args=args, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.port))
            self.start(self.pass_on, client, server, 0)
            self.start(self.pass_on, server, client, 1)

    def pass_on(self, source, to, direction):
        while data := source.recv(65536):
            self.counts[direction] += len(data)
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)


def main():
    server = grpc.server(futures.ThreadPoolExecutor(4), compression=grpc.Compression.Gzip)
    method = grpc.unary_unary_rpc_method_handler(create_book)
    service = grpc.method_handlers_generic_handler("library.v1.Library", {"CreateBook": method})
    server.add_generic_rpc_handlers((service,))
    relay = Relay(server.add_insecure_port("127.0.0.1:0"))
    server.start()
    print("127.0.0.1:%d" % relay.listener.getsockname()[1], flush=True)
    sys.stdin.read()
    print(*relay.counts)


main()
