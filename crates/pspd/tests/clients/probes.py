"""Health over gRPC at administration endpoints, asked as kubelets ask: one of a service
that speaks no gRPC itself, one of a gateway, one of a gateway without services."""

import sys
import time

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def check(address, service):
    with grpc.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        return stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=20).status


def unknown(address):
    try:
        check(address, "pspd.ServiceA")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.NOT_FOUND, error
        assert "liveness" in error.details(), error
    else:
        raise AssertionError("an unknown service has no health")


rest, gateway, alone = sys.argv[1:]
deadline = time.monotonic() + 30
while check(gateway, "readiness") != SERVING:
    assert time.monotonic() < deadline, "the gateway does not become ready"
    time.sleep(0.1)
for address in [rest, gateway]:
    for service in ["", "readiness", "liveness"]:
        assert check(address, service) == SERVING, (address, service)
    unknown(address)
assert check(alone, "liveness") == SERVING
for service in ["", "readiness"]:
    assert check(alone, service) == NOT_SERVING, service
print("ok")
