"""Streams of requests as grpcio sees them: Statistics (client streaming) and Echo (bidirectional) of service B.

Run: B_ADDR=127.0.0.1:50052 PROTO=.../streams.proto python grpcio_streams.py
Needs what grpcio_client.py needs, and takes its hands from there.
The server's --count-max must be 10000, its --message-bytes-max 1000000.
Prints `ok NAME` lines; exits 1 at the first failure, 64 when a variable is missing or wrong.

Nothing here asserts that something was fast: a call that does not return ends by its own deadline, as a failure.
"""

import math
import queue
import statistics
import sys

import grpc
from grpc_reflection.v1alpha import reflection_pb2_grpc

from grpcio_client import (
    CALL_TIMEOUT_S,
    Peer,
    check,
    equal,
    fails,
    generated,
    reflection_v1,
    reflects,
    required,
    tells_its_health,
)

COUNT_MAX = 10_000
MESSAGE_BYTES_MAX = 1_000_000
INVALID, RANGE = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.OUT_OF_RANGE


class Line:
    """Requests that the test sends when it wants to, and the end when it says so."""

    END = object()

    def __init__(self):
        self.waiting = queue.SimpleQueue()

    def send(self, request):
        self.waiting.put(request)

    def end(self):
        self.waiting.put(self.END)

    def __iter__(self):
        return iter(self.waiting.get, self.END)


# ---------------------------------------------------------------- Summarize


def samples(b, values):
    return (b.messages.Sample(value=value) for value in values)


def summary(b, values):
    return b.stub.Summarize(samples(b, values), timeout=CALL_TIMEOUT_S)


def summarizes(b):
    for values in [[1.0], [1, 2, 3, 4], [-1e100, 0.5, 0.25], [1e9 + n for n in range(1_000)]]:
        got = summary(b, values)
        equal((got.count, got.min, got.max), (len(values), min(values), max(values)))
        equal(got.sum, float(sum(float(value) for value in values)), "the sum in the order of arrival")
        spread = statistics.stdev(values) if len(values) > 1 else None
        check(math.isclose(got.mean, statistics.fmean(values), rel_tol=1e-12), f"mean {got.mean}")
        if spread is not None:
            close = math.isclose(got.standard_deviation, spread, rel_tol=1e-9)
            check(close, f"deviation {got.standard_deviation}, not {spread}")


def summarizes_nothing(b):
    equal(summary(b, []), b.messages.Summary(), "nothing sent, everything 0")


def answers_only_at_the_end(b):
    line = Line()
    call = b.stub.Summarize.future(iter(line), timeout=CALL_TIMEOUT_S)
    for value in range(100):
        line.send(b.messages.Sample(value=value))
    check(not call.done(), "no answer before the client has said that this was all")
    line.end()
    equal(call.result().count, 100)


def refuses_values(b):
    for values, code, said in [
        ([1, math.nan, 2], INVALID, "value 1 "),
        ([math.inf], INVALID, "value 0 "),
        ([0, 0, -math.inf], INVALID, "value 2 "),
        ([sys.float_info.max] * 2, RANGE, "value 1 "),
    ]:
        error = fails(code, lambda v=values: summary(b, v), f"{values}")
        check(said in error.details(), f"{error.details()} names {said!r}")
    # The refusal comes while the client still sends.
    endless = Line()
    endless.send(b.messages.Sample(value=math.nan))
    fails(INVALID, lambda: b.stub.Summarize(iter(endless), timeout=CALL_TIMEOUT_S))
    endless.end()


def keeps_the_limit_of_values(b):
    equal(summary(b, [0.5] * COUNT_MAX).count, COUNT_MAX)
    error = fails(INVALID, lambda: summary(b, [0.5] * (COUNT_MAX + 1)))
    check(str(COUNT_MAX) in error.details(), error.details())


def summary_has_a_deadline(b):
    line = Line()
    line.send(b.messages.Sample(value=1))
    fails(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: b.stub.Summarize(iter(line), timeout=0.3))
    line.end()
    equal(summary(b, [1, 2]).count, 2, "the server goes on serving")


def summary_is_cancelled(b):
    line = Line()
    call = b.stub.Summarize.future(iter(line), timeout=CALL_TIMEOUT_S)
    line.send(b.messages.Sample(value=1))
    call.cancel()
    line.end()
    check(call.cancelled(), "the call is cancelled")
    equal(summary(b, [1, 2]).count, 2, "the server goes on serving")


# ---------------------------------------------------------------- Converse


def converses(b):
    line = Line()
    call = b.stub.Converse(iter(line), timeout=CALL_TIMEOUT_S)
    sent = 0
    for number, text in enumerate(["a", "", "José 日本 😀", "x" * 100_000], 1):
        line.send(b.messages.EchoRequest(text=text))
        sent += len(text.encode())
        # Before the next one is sent: each is answered at once.
        equal(next(call), b.messages.EchoReply(text=text, messages=number, bytes=sent))
    line.end()
    equal(list(call), [], "nothing more after the client has ended")
    equal(call.code(), grpc.StatusCode.OK)


def answers_what_was_sent_before_the_end(b):
    texts = [f"message {number}" for number in range(10_000)]
    call = b.stub.Converse((b.messages.EchoRequest(text=text) for text in texts), timeout=CALL_TIMEOUT_S)
    replies = list(call)
    equal([reply.text for reply in replies], texts)
    equal([reply.messages for reply in replies], list(range(1, 10_001)))
    equal(replies[-1].bytes, sum(map(len, texts)))
    equal(list(b.stub.Converse(iter([]), timeout=CALL_TIMEOUT_S)), [], "a silent client is answered with the end")


def keeps_the_limit_of_messages(b):
    def talk():
        requests = (b.messages.EchoRequest(text="x") for _ in range(COUNT_MAX + 1))
        for reply in b.stub.Converse(requests, timeout=CALL_TIMEOUT_S):
            came.append(reply.messages)

    came = []
    error = fails(INVALID, talk)
    equal(came, list(range(1, COUNT_MAX + 1)), "all up to the limit are answered")
    check(str(COUNT_MAX) in error.details(), error.details())


def keeps_the_limit_of_bytes(b):
    text = "x" * (MESSAGE_BYTES_MAX + 1)
    requests = [b.messages.EchoRequest(text="small"), b.messages.EchoRequest(text=text)]
    came = []
    call = b.stub.Converse(iter(requests), timeout=CALL_TIMEOUT_S)
    fails(RANGE, lambda: came.extend(reply.text for reply in call))
    equal(came, ["small"])


def conversation_has_a_deadline(b):
    line = Line()
    call = b.stub.Converse(iter(line), timeout=3)
    line.send(b.messages.EchoRequest(text="a"))
    equal(next(call).messages, 1)
    fails(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: list(call))
    line.end()


def conversation_is_cancelled(b):
    lines = [Line() for _ in range(80)]
    calls = [b.stub.Converse(iter(line), timeout=CALL_TIMEOUT_S) for line in lines]
    for line, call in zip(lines, calls):
        line.send(b.messages.EchoRequest(text="a"))
        equal(next(call).messages, 1)
    for call in calls:
        call.cancel()
    for line, call in zip(lines, calls):
        fails(grpc.StatusCode.CANCELLED, lambda call=call: list(call))
        line.end()
    answers_what_was_sent_before_the_end(b)


def main():
    with generated(required("PROTO")) as (messages, stubs):
        address = required("B_ADDR")
        sums = Peer(address, messages, stubs.StatisticsStub)
        echo = Peer(address, messages, stubs.EchoStub)
        plan = [
            ("Summarize sums up", lambda: summarizes(sums)),
            ("Summarize of nothing", lambda: summarizes_nothing(sums)),
            ("Summarize answers only at the end", lambda: answers_only_at_the_end(sums)),
            ("Summarize refuses what is no finite number", lambda: refuses_values(sums)),
            ("Summarize takes count-max values", lambda: keeps_the_limit_of_values(sums)),
            ("the deadline ends a stream of values", lambda: summary_has_a_deadline(sums)),
            ("a cancelled stream of values ends", lambda: summary_is_cancelled(sums)),
            ("Converse answers each message at once", lambda: converses(echo)),
            ("Converse answers all that came before the end", lambda: answers_what_was_sent_before_the_end(echo)),
            ("Converse takes count-max messages", lambda: keeps_the_limit_of_messages(echo)),
            ("Converse takes messages up to the limit", lambda: keeps_the_limit_of_bytes(echo)),
            ("the deadline ends a conversation", lambda: conversation_has_a_deadline(echo)),
            ("eighty conversations cancelled at once", lambda: conversation_is_cancelled(echo)),
        ]
        for service, method in [("pspd.Statistics", "Summarize"), ("pspd.Echo", "Converse")]:
            alpha = reflection_pb2_grpc.ServerReflectionStub(sums.channel).ServerReflectionInfo
            one = reflection_v1(sums.channel)
            plan += [
                (f"health of {service}", lambda s=service: tells_its_health(sums.channel, s)),
                (f"reflection v1alpha of {service}", lambda s=service, m=method: reflects(s, m, alpha)),
                (f"reflection v1 of {service}", lambda s=service, m=method: reflects(s, m, one)),
            ]
        for name, test in plan:
            try:
                test()
            except Exception as error:  # whatever it is, it is this test's failure, and is told as such
                print(f"not ok {name}\n{type(error).__name__}: {error}", file=sys.stderr)
                sys.exit(1)
            print(f"ok {name}", flush=True)


if __name__ == "__main__":
    main()
