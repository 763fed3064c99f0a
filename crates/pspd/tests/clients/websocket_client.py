"""The library `websockets` on a gateway: calls of every kind, how they end, and what is refused.

Run: GATEWAY=127.0.0.1:8080 python websocket_client.py
Behind the gateway are the methods of streams.proto, which give back what they get; `:watch` gives three messages, or with
`text=fails` NOT_FOUND, or with `text=long` twenty megabytes.
Prints `ok NAME` lines; fails at the first failure.
"""

import asyncio
import json
import os

import websockets
from websockets.exceptions import ConnectionClosedError, InvalidStatus

GATEWAY = f"ws://{os.environ['GATEWAY']}"


def ok(name):
    print("ok", name, flush=True)


async def everything(socket):
    """All messages before the status, and the status."""
    messages = []
    try:
        async for message in socket:
            messages.append(json.loads(message))
    except ConnectionClosedError:
        pass
    return messages[:-1], messages[-1]["@status"]


async def main():
    async with websockets.connect(f"{GATEWAY}/v1/rooms/7:say") as socket:
        await socket.send('{"text": "hello"}')
        messages, status = await everything(socket)
        assert messages == [{"room": "rooms/7", "text": "hello"}], messages
        assert (status["code"], socket.close_code, socket.close_reason) == (0, 1000, "OK")
    ok("one message each way")

    async with websockets.connect(f"{GATEWAY}/v1/rooms/7:watch", subprotocols=["pspd.json"]) as socket:
        assert socket.subprotocol == "pspd.json"
        messages, status = await everything(socket)
        assert [message["number"] for message in messages] == ["1", "2", "3"], messages
    ok("a stream from the service, and the protocol by name")

    async with websockets.connect(f"{GATEWAY}/v1/rooms/7:collect") as socket:
        for number in range(100):
            await socket.send(json.dumps({"number": number}))
        await socket.send("")
        messages, status = await everything(socket)
        assert messages == [{"number": "99"}], messages
    ok("a stream to the service")

    async with websockets.connect(f"{GATEWAY}/v1/rooms/7/talk") as socket:
        for number in range(1, 50):
            # In parts, as the library sends what is iterable.
            await socket.send(['{"number"', f": {number}", "}"])
            assert json.loads(await socket.recv())["number"] == str(number)
        await (await socket.ping())
        await socket.close()
        assert socket.close_code == 1000
    ok("both directions, in parts, with pings, and closed by the client")

    async with websockets.connect(f"{GATEWAY}/v1/rooms/7:watch?text=fails") as socket:
        messages, status = await everything(socket)
        assert (messages, status["code"], status["message"]) == ([], 5, "no such room")
        assert (socket.close_code, socket.close_reason) == (4005, "NOT_FOUND: no such room")
    ok("an error")

    async with websockets.connect(f"{GATEWAY}/v1/rooms/7:watch?text=long", max_size=None) as socket:
        messages, status = await everything(socket)
        assert (len(messages), status["code"]) == (1000, 0)
    ok("a long stream")

    async with websockets.connect(f"{GATEWAY}/v1/rooms/7:converse") as socket:
        await socket.send(b"{}")
        _, status = await everything(socket)
        assert (status["code"], socket.close_code) == (3, 1003)
    ok("bytes are refused")

    for path, status in [("/v1/nothing", 404), ("/v1/rooms/7:watch?number=x", 400)]:
        try:
            async with websockets.connect(f"{GATEWAY}{path}"):
                raise AssertionError(f"{path} was opened")
        except InvalidStatus as refused:
            assert refused.response.status_code == status
    ok("handshakes that are refused")


asyncio.run(main())
