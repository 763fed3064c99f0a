"""Watches the readiness at an administration endpoint, and prints each change."""

import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

channel = grpc.insecure_channel(sys.argv[1])
watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=60)
try:
    for change in watch:
        print(health_pb2.HealthCheckResponse.ServingStatus.Name(change.status), flush=True)
except grpc.RpcError as error:
    assert error.code() != grpc.StatusCode.DEADLINE_EXCEEDED, error
print("ended", flush=True)
