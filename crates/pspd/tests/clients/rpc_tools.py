"""What tools find at a gateway's port: reflection and health of all that it serves, by
grpcio's own clients of both.

In: GATEWAY_ADDR, before kinds.v1.Kinds, which is there, and library.v1.Library, which
is not. Out: `ok NAME` for each test; the first failure ends the process with 1.
"""

import os
import sys
import time

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


def services(channel):
    names = ProtoReflectionDescriptorDatabase(channel).get_services()
    assert list(names) == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "kinds.v1.Kinds",
        "library.v1.Library",
    ], names


def call_by_reflection(channel):
    """As grpcurl does it: no code was generated for these messages."""
    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    service = pool.FindServiceByName("kinds.v1.Kinds")
    method = service.FindMethodByName("Once")
    ask = message_factory.GetMessageClass(method.input_type)
    said = message_factory.GetMessageClass(method.output_type)
    call = channel.unary_unary(
        f"/{service.full_name}/{method.name}",
        request_serializer=ask.SerializeToString,
        response_deserializer=said.FromString,
    )
    assert call(ask(text="olá"), timeout=20).text == "olá"
    # A file that imports others comes with them.
    library = pool.FindServiceByName("library.v1.Library")
    assert library.methods


def both_versions_and_all_questions(channel):
    request = reflection_pb2.ServerReflectionRequest
    questions = [
        request(list_services=""),
        request(file_containing_symbol="kinds.v1.Kinds.Once"),
        request(file_containing_symbol="kinds.v1.Said.text"),
        request(file_by_filename="kinds.proto"),
        request(all_extension_numbers_of_type="google.protobuf.MethodOptions"),
        request(file_containing_symbol="no.such.Thing"),
    ]
    for version in ("v1", "v1alpha"):
        ask = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=request.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        answers = list(ask(iter(questions), timeout=20))
        kinds = [answer.WhichOneof("message_response") for answer in answers]
        assert kinds == [
            "list_services_response",
            "file_descriptor_response",
            "file_descriptor_response",
            "file_descriptor_response",
            "all_extension_numbers_response",
            "error_response",
        ], kinds
        assert answers[-1].error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


def health(channel):
    stub = health_pb2_grpc.HealthStub(channel)
    check = lambda name: stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=20).status
    # A service has a second to say so, and a busy machine may take longer.
    deadline = time.monotonic() + 30
    while check("kinds.v1.Kinds") != SERVING:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert check("library.v1.Library") == NOT_SERVING
    # The gateway is ready when all that is behind it is.
    assert check("") == NOT_SERVING
    try:
        check("no.such.Service")
        raise AssertionError("an unknown service has no health")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.NOT_FOUND, error


def watched(channel):
    stub = health_pb2_grpc.HealthStub(channel)
    for name, status in [("kinds.v1.Kinds", SERVING), ("no.such.Service", UNKNOWN)]:
        watch = stub.Watch(health_pb2.HealthCheckRequest(service=name), timeout=20)
        assert any(answer.status == status for answer in watch), name
        watch.cancel()


with grpc.insecure_channel(os.environ["GATEWAY_ADDR"]) as shared:
    for test in [services, call_by_reflection, both_versions_and_all_questions, health, watched]:
        try:
            test(shared)
        except Exception:
            print(f"not ok {test.__name__}", file=sys.stderr)
            raise
        print(f"ok {test.__name__}")
