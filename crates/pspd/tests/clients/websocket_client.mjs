// `ws`, or Node's own WebSocket, on a gateway: calls of every kind, how they end, and what is refused.
//
// Run: WHICH=ws NODE_MODULES=.../node_modules GATEWAY=127.0.0.1:8080 node --experimental-websocket websocket_client.mjs
// Behind the gateway are the methods of streams.proto, which give back what they get; `:watch` gives three messages, or
// with `text=fails` NOT_FOUND, or with `text=long` twenty megabytes.
// Prints `ok NAME` lines; exits 1 at the first failure.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const GATEWAY = `ws://${process.env.GATEWAY}`;
const Socket =
  process.env.WHICH === 'ws'
    ? createRequire(join(process.env.NODE_MODULES, '_'))('ws').WebSocket
    : globalThis.WebSocket;
assert.ok(Socket, 'this Node has no WebSocket of its own');

// Sends texts, one after each message that comes when `inTurn`, and gives all that came.
function talk(path, texts = [], { inTurn = false, protocols = [] } = {}) {
  return new Promise((resolve, reject) => {
    const socket = new Socket(GATEWAY + path, protocols);
    const waiting = [...texts];
    const messages = [];
    const next = () => waiting.length > 0 && socket.send(waiting.shift());
    socket.onopen = () => {
      do next();
      while (!inTurn && waiting.length > 0);
    };
    socket.onmessage = ({ data }) => {
      messages.push(JSON.parse(data));
      if (inTurn) next();
    };
    socket.onerror = () => messages.length === 0 && reject(new Error('refused'));
    socket.onclose = ({ code, reason }) => {
      const status = messages.pop()?.['@status'];
      resolve({ messages, status, code, reason, protocol: socket.protocol });
    };
  });
}

const tests = {
  async 'one message each way'() {
    const { messages, status, code, reason } = await talk('/v1/rooms/7:say', ['{"text": "hello"}']);
    assert.deepEqual(messages, [{ room: 'rooms/7', text: 'hello' }]);
    assert.deepEqual([status.code, code, reason], [0, 1000, 'OK']);
  },

  async 'a stream from the service'() {
    const { messages, protocol } = await talk('/v1/rooms/7:watch', [], { protocols: ['pspd.json'] });
    assert.deepEqual(
      messages.map(({ number }) => number),
      ['1', '2', '3'],
    );
    assert.equal(protocol, 'pspd.json');
  },

  async 'a stream to the service'() {
    const texts = Array.from({ length: 100 }, (_, number) => JSON.stringify({ number }));
    const { messages } = await talk('/v1/rooms/7:collect', [...texts, '']);
    assert.deepEqual(messages, [{ number: '99' }]);
  },

  async 'both directions'() {
    const texts = [1, 2, 3, 4].map((number) => JSON.stringify({ number }));
    const { messages, code } = await talk('/streams.v1.Talks/Chat', [...texts, ''], { inTurn: true });
    assert.deepEqual(messages, [{ number: '1' }, { number: '2' }, { number: '3' }, { number: '4' }]);
    assert.equal(code, 1000);
  },

  async 'an error'() {
    const { messages, status, code, reason } = await talk('/v1/rooms/7:watch?text=fails');
    assert.deepEqual([messages, status.code, code, reason], [[], 5, 4005, 'NOT_FOUND: no such room']);
  },

  async 'a long stream'() {
    const { messages, code } = await talk('/v1/rooms/7:watch?text=long');
    assert.deepEqual([messages.length, code], [1000, 1000]);
  },

  async 'a message that is none'() {
    const { status, code } = await talk('/v1/rooms/7:converse', ['{"text": 1}']);
    assert.deepEqual([status.code, code], [3, 4003]);
    assert.equal(status.details[0].fieldViolations[0].field, 'text');
  },

  async 'a path that leads nowhere'() {
    await assert.rejects(talk('/v1/nothing'));
  },
};

for (const [name, test] of Object.entries(tests)) {
  await test();
  console.log('ok', name);
}
process.exit(0);
