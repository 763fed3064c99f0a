"""Services A and B as grpcio sees them: a foreign client that shares no code with them.

Run: A_ADDR=127.0.0.1:50051 B_ADDR=127.0.0.1:50052 PROTO=.../services.proto python grpcio_client.py
Needs grpcio, grpcio-tools, grpcio-health-checking and grpcio-reflection. CHECKS=calls leaves out what the
original services lack (limits, health, reflection); the default is CHECKS=all.
Prints `ok NAME` lines; exits 1 at the first failure, 64 when a variable is missing or wrong.

Nothing here asserts that something was fast: a call that does not return ends by its own deadline, as a failure.
"""

import contextlib
import importlib
import os
import pathlib
import sys
import tempfile
import time

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_tools import protoc

CALL_TIMEOUT_S = 15
REFLECTION_V1 = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"


# ---------------------------------------------------------------- the calls


def greets(a):
    for name, message in [
        ("pspd", "Olá, pspd! [A]"),
        ("", "Olá, world! [A]"),
        ("José 日本 😀", "Olá, José 日本 😀! [A]"),
        ('"\\<b>&\n\x01', 'Olá, "\\<b>&\n\x01! [A]'),
        ("x" * 10_000, f"Olá, {'x' * 10_000}! [A]"),
    ]:
        equal(a.stub.SayHello(a.messages.HelloRequest(name=name), timeout=CALL_TIMEOUT_S).message, message)


def counts(b):
    for count, expected in [(3, 3), (1, 1), (0, 5), (-4, 5), (-(2**31), 5), (10_000, 10_000)]:
        equal(numbers(b, count, 0), list(range(1, expected + 1)), f"count={count}")
    equal(numbers(b, 2, -7), [1, 2], "a negative delay is none")


def waits(b):
    started = time.monotonic()
    equal(numbers(b, 4, 50), [1, 2, 3, 4])
    elapsed = time.monotonic() - started
    check(elapsed >= 0.195, f"4 numbers of 50 ms each take 200 ms, the last wait included; this took {elapsed:.3f} s")


def sends_as_it_goes(b):
    call = stream(b, 2, 60_000)
    equal(next(call).value, 1, "the first number comes long before the second is due")
    call.cancel()


def cancels(b):
    call = stream(b, 1_000, 1_000)
    equal(next(call).value, 1)
    call.cancel()
    fails(grpc.StatusCode.CANCELLED, lambda: list(call))
    equal(numbers(b, 3, 0), [1, 2, 3], "the server goes on serving")


def cancels_many(b):
    calls = [stream(b, 1_000, 1_000) for _ in range(80)]
    for call in calls:
        equal(next(call).value, 1)
    for call in calls:
        call.cancel()
    for call in calls:
        fails(grpc.StatusCode.CANCELLED, lambda call=call: list(call))
    equal(numbers(b, 3, 0), [1, 2, 3], "the server goes on serving")


def keeps_the_deadline(b):
    call = stream(b, 1_000, 100, timeout=0.3)
    came = []
    fails(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: came.extend(reply.value for reply in call))
    equal(came, list(range(1, len(came) + 1)))
    check(len(came) < 1_000, f"{len(came)} numbers came within the deadline")
    equal(numbers(b, 3, 0), [1, 2, 3], "the server goes on serving")


def knows_its_methods(a, b):
    for channel, path in [
        (a.channel, "/pspd.ServiceA/SayBye"),
        (b.channel, "/pspd.ServiceB/SayHello"),
        (a.channel, "/pspd.Nobody/SayHello"),
    ]:
        call = channel.unary_unary(path)
        fails(grpc.StatusCode.UNIMPLEMENTED, lambda call=call: call(b"", timeout=CALL_TIMEOUT_S), path)


# ---------------------------------------------------------------- limits


def refuses_too_much(b):
    for count, delay_ms, named in [
        (1_000_001, 0, "count"),
        (2**31 - 1, 0, "count"),
        (1, 60_001, "delay_ms"),
        (1, 2**31 - 1, "delay_ms"),
    ]:
        error = fails(grpc.StatusCode.INVALID_ARGUMENT, lambda c=count, d=delay_ms: numbers(b, c, d), f"{count}, {delay_ms}")
        check(named in error.details(), f"the message names {named}: {error.details()}")
    call = stream(b, 1_000_000, 60_000)
    equal(next(call).value, 1, "the limits themselves are allowed")
    call.cancel()


# ---------------------------------------------------------------- health


def tells_its_health(channel, service):
    health = health_pb2_grpc.HealthStub(channel)
    for name in ["", service]:
        reply = health.Check(health_pb2.HealthCheckRequest(service=name), timeout=CALL_TIMEOUT_S)
        equal(reply.status, health_pb2.HealthCheckResponse.SERVING, f'Check("{name}")')
    unknown = health_pb2.HealthCheckRequest(service="pspd.Nobody")
    fails(grpc.StatusCode.NOT_FOUND, lambda: health.Check(unknown, timeout=CALL_TIMEOUT_S))
    watch = health.Watch(health_pb2.HealthCheckRequest(service=service), timeout=CALL_TIMEOUT_S)
    equal(next(watch).status, health_pb2.HealthCheckResponse.SERVING, "the first answer of Watch")
    watch.cancel()


# ---------------------------------------------------------------- reflection


def reflects(service, method, info):
    """Both versions: `info` opens the stream; their messages are the same on the wire."""

    def ask(**query):
        request = reflection_pb2.ServerReflectionRequest(**query)
        (reply,) = info(iter([request]), timeout=CALL_TIMEOUT_S)
        return reply

    listed = {each.name for each in ask(list_services="*").list_services_response.service}
    for name in [service, "grpc.health.v1.Health"]:
        check(name in listed, f"{name} is listed; these are: {sorted(listed)}")
    for symbol in [service, f"{service}.{method}"]:
        files = ask(file_containing_symbol=symbol).file_descriptor_response.file_descriptor_proto
        described = [descriptor_pb2.FileDescriptorProto.FromString(each) for each in files]
        methods = {f"{f.package}.{s.name}": [m.name for m in s.method] for f in described for s in f.service}
        check(method in methods.get(service, []), f"{symbol} leads to {service}.{method}: {methods}")
    # Servers tell it in the answer (grpc-go) or as the status of the call (tonic); clients understand both.
    try:
        told = ask(file_containing_symbol="pspd.Nobody").error_response.error_code
    except grpc.RpcError as error:
        told = error.code().value[0]
    equal(told, grpc.StatusCode.NOT_FOUND.value[0], "an unknown symbol")


def reflection_v1(channel):
    return channel.stream_stream(
        REFLECTION_V1,
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )


def calls_by_reflection_alone(channel):
    pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    method = pool.FindServiceByName("pspd.ServiceA").methods_by_name["SayHello"]
    request, reply = (message_factory.GetMessageClass(each) for each in (method.input_type, method.output_type))
    call = channel.unary_unary("/pspd.ServiceA/SayHello", request.SerializeToString, reply.FromString)
    equal(call(request(name="pspd"), timeout=CALL_TIMEOUT_S).message, "Olá, pspd! [A]")


# ---------------------------------------------------------------- hands


class Peer:
    """A channel to one service, its stub and the message classes."""

    def __init__(self, address, messages, stub):
        # No proxy of the environment may stand between this client and the service.
        self.channel = grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)])
        self.messages = messages
        self.stub = stub(self.channel)


def stream(b, count, delay_ms, timeout=CALL_TIMEOUT_S):
    return b.stub.StreamNumbers(b.messages.StreamRequest(count=count, delay_ms=delay_ms), timeout=timeout)


def numbers(b, count, delay_ms):
    return [reply.value for reply in stream(b, count, delay_ms)]


class Failure(Exception):
    """What was expected and what came instead."""


def check(holds, what):
    if not holds:
        raise Failure(f"not so: {what}")


def shorten(value):
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:300]}..."


def equal(got, expected, what=""):
    if got != expected:
        raise Failure(f"{what}: got {shorten(got)}, expected {shorten(expected)}".removeprefix(": "))


def fails(code, call, what=""):
    try:
        result = call()
    except grpc.RpcError as error:
        equal(error.code(), code, f"{what} ({error.details()})")
        return error
    raise Failure(f"{what}: expected {code}, but the call answered {shorten(result)}")


def required(name):
    value = os.environ.get(name, "")
    if not value:
        print(f"{name} is not set; see the first lines of {__file__}", file=sys.stderr)
        sys.exit(64)
    return value


@contextlib.contextmanager
def generated(proto):
    """The message and stub modules of the .proto file, generated for this run only."""
    proto = pathlib.Path(proto).resolve()
    with tempfile.TemporaryDirectory(prefix="pspd-grpcio-") as folder:
        arguments = ["protoc", f"-I{proto.parent}", f"--python_out={folder}", f"--grpc_python_out={folder}", str(proto)]
        if protoc.main(arguments) != 0:
            print(f"PROTO: {proto} cannot be compiled; give the path of services.proto", file=sys.stderr)
            sys.exit(64)
        sys.path.insert(0, folder)
        yield importlib.import_module(f"{proto.stem}_pb2"), importlib.import_module(f"{proto.stem}_pb2_grpc")


def main():
    checks = os.environ.get("CHECKS", "all")
    if checks not in ("all", "calls"):
        print(f'CHECKS is "{checks}"; it must be all or calls', file=sys.stderr)
        sys.exit(64)
    with generated(required("PROTO")) as (messages, stubs):
        a = Peer(required("A_ADDR"), messages, stubs.ServiceAStub)
        b = Peer(required("B_ADDR"), messages, stubs.ServiceBStub)
        plan = [
            ("SayHello answers exactly", lambda: greets(a)),
            ("StreamNumbers counts", lambda: counts(b)),
            ("StreamNumbers waits after each number", lambda: waits(b)),
            ("StreamNumbers sends as it goes", lambda: sends_as_it_goes(b)),
            ("a cancelled stream ends, the server goes on", lambda: cancels(b)),
            ("the deadline ends a stream", lambda: keeps_the_deadline(b)),
            ("unknown methods are UNIMPLEMENTED", lambda: knows_its_methods(a, b)),
        ]
        if checks == "all":
            plan += [
                ("eighty streams cancelled at once", lambda: cancels_many(b)),
                ("too much is INVALID_ARGUMENT", lambda: refuses_too_much(b)),
                ("health of A", lambda: tells_its_health(a.channel, "pspd.ServiceA")),
                ("health of B", lambda: tells_its_health(b.channel, "pspd.ServiceB")),
            ]
            for peer, service, method in [(a, "pspd.ServiceA", "SayHello"), (b, "pspd.ServiceB", "StreamNumbers")]:
                alpha = reflection_pb2_grpc.ServerReflectionStub(peer.channel).ServerReflectionInfo
                one = reflection_v1(peer.channel)
                plan += [
                    (f"reflection v1alpha of {service}", lambda s=service, m=method, i=alpha: reflects(s, m, i)),
                    (f"reflection v1 of {service}", lambda s=service, m=method, i=one: reflects(s, m, i)),
                ]
            plan.append(("a client that knows nothing calls by reflection", lambda: calls_by_reflection_alone(a.channel)))
        for name, test in plan:
            try:
                test()
            except Exception as error:  # whatever it is, it is this test's failure, and is told as such
                print(f"not ok {name}\n{type(error).__name__}: {error}", file=sys.stderr)
                sys.exit(1)
            print(f"ok {name}", flush=True)


if __name__ == "__main__":
    main()
