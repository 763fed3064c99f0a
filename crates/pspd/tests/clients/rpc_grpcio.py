"""kinds.v1.Kinds through a gateway, by grpcio.

In: GATEWAY_ADDR, PROTO (kinds.proto), and SERVICE_ADDR of what is behind. Out: `ok NAME`
for each test; the first failure ends the process with 1.
"""

import concurrent.futures
import os
import sys
import threading

import grpc

sys.path.insert(0, os.path.dirname(os.environ["PROTO"]))
kinds, services = grpc.protos_and_services(os.path.basename(os.environ["PROTO"]))
Ask, Said = kinds.Ask, kinds.Said
LARGE = 4_000_000
OPTIONS = [
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.max_send_message_length", 64 << 20),
]


def channel(**more):
    return grpc.insecure_channel(os.environ["GATEWAY_ADDR"], options=OPTIONS, **more)


def failure(call):
    try:
        call()
    except grpc.RpcError as error:
        return error
    raise AssertionError("the call did not fail")


def value(metadata, name):
    return dict(metadata)[name]


def once(stub):
    metadata = [("x-note", "a note"), ("x-note-bin", b"\x00\xff\x01")]
    said, call = stub.Once.with_call(
        Ask(text="olá", number=-7, payload=b"\x00\xff"), metadata=metadata, timeout=20
    )
    assert (said.text, said.number, said.payload) == ("olá", -7, b"\x00\xff")
    assert value(call.initial_metadata(), "x-head") == "begun"
    assert value(call.initial_metadata(), "x-note-bin") == b"\x00\xff\x01"
    # Nothing is added.
    assert "x-request-id" not in dict(call.initial_metadata())
    assert value(call.trailing_metadata(), "x-tail-bin") == b"\x00\xff"
    seen = said.metadata
    assert seen["x-note"] == "a note"
    # The service is told what is left of the time, and who asks.
    assert "grpc-python" in seen["user-agent"], seen
    assert seen["x-request-id"]


def many(stub):
    assert [said.number for said in stub.Many(Ask(number=1000))] == list(range(1000))
    assert list(stub.Many(Ask(number=0))) == []


def sums(stub):
    assert stub.Sum(Ask(number=number) for number in range(1000)).number == 499_500
    assert stub.Sum(iter([])).number == 0


def talk(stub):
    turns = threading.Semaphore(1)

    def asks():
        for number in range(50):
            turns.acquire()
            yield Ask(number=number)

    got = []
    for said in stub.Talk(asks()):
        got.append(said.number)
        turns.release()
    assert got == list(range(50))


def early_status(stub):
    def asks():
        yield Ask(text="stop")
        while True:
            yield Ask(number=1, payload=b"x" * 10_000)

    error = failure(lambda: stub.Sum(asks(), timeout=20))
    assert error.code() == grpc.StatusCode.FAILED_PRECONDITION, error
    assert error.details() == "enough"


def fail(stub):
    for code in grpc.StatusCode:
        number, _ = code.value
        if number == 0:
            continue
        error = failure(lambda: stub.Refuse(Ask(number=number, text="código\n%")))
        assert (error.code(), error.details()) == (code, "código\n%"), error
        assert value(error.trailing_metadata(), "x-tail") == "ended"
    error = failure(lambda: list(stub.Fail(Ask(number=5, text="late", payload=b"x"))))
    assert (error.code(), error.details()) == (grpc.StatusCode.NOT_FOUND, "late")
    error = failure(lambda: stub.Refuse(Ask(number=5, text="detailed")))
    assert b"RequestInfo" in value(error.trailing_metadata(), "grpc-status-details-bin")


def deadline(stub):
    for call in [
        lambda: stub.Once(Ask(text="silent"), timeout=2),
        lambda: list(stub.Many(Ask(text="silent"), timeout=0.2)),
        lambda: list(stub.Many(Ask(text="endless"), timeout=0.2)),
    ]:
        assert failure(call).code() == grpc.StatusCode.DEADLINE_EXCEEDED


def cancel(stub):
    call = stub.Many(Ask(text="endless"))
    for _ in zip(range(10), call):
        pass
    call.cancel()
    assert failure(lambda: list(call)).code() == grpc.StatusCode.CANCELLED


def large(stub):
    payload = os.urandom(LARGE)
    assert stub.Once(Ask(payload=payload)).payload == payload
    said = list(stub.Talk(iter([Ask(payload=payload)] * 3)))
    assert [message.payload for message in said] == [payload] * 3


def compressed(_):
    for compression in (grpc.Compression.Gzip, grpc.Compression.Deflate):
        with channel(compression=compression) as compressing:
            stub = services.KindsStub(compressing)
            assert stub.Once(Ask(text="x" * 100_000)).text == "x" * 100_000
            assert stub.Sum(Ask(number=1, text="y" * 1000) for _ in range(10)).number == 10


def crowd(stub):
    calls = [stub.Once.future(Ask(number=number)) for number in range(1000)]
    assert [call.result(timeout=30).number for call in calls] == list(range(1000))
    streams = [stub.Talk(iter([Ask(number=number)])) for number in range(1000)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda stream: [said.number for said in stream], streams))
    assert got == [[number] for number in range(1000)]


def unknown(stub):
    with channel() as other:
        call = other.unary_unary("/kinds.v1.Kinds/Nothing")
        error = failure(lambda: call(b""))
        assert error.code() == grpc.StatusCode.UNIMPLEMENTED, error
        assert "Nothing" in error.details()


TESTS = [
    once,
    many,
    sums,
    talk,
    early_status,
    fail,
    deadline,
    cancel,
    large,
    compressed,
    crowd,
    unknown,
]

with channel() as shared:
    for test in TESTS:
        try:
            test(services.KindsStub(shared))
        except Exception:
            print(f"not ok {test.__name__}", file=sys.stderr)
            raise
        print(f"ok {test.__name__}")
