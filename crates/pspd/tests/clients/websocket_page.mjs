// A browser's own WebSocket on a general gateway: both directions, the end, errors, a page that stops reading.
//
// Run: NODE_MODULES=.../node_modules CHROMIUM=/usr/bin/chromium GATEWAY_URL=http://127.0.0.1:8080 node websocket_page.mjs
// Behind the gateway are the methods of streams.proto, which give back what they get; `:watch` gives three messages, or
// with `text=fails` NOT_FOUND, or with `text=long` twenty megabytes.
// Prints `ok NAME` lines; exits 1 at the first failure, 64 when a variable is missing.

import assert from 'node:assert/strict';
import { required, run } from './support.mjs';

const GATEWAY = required('GATEWAY_URL').replace(/\/$/, '');

// The gateway has no icon, and a browser complains of that.
const withoutIcon = () =>
  document.addEventListener('DOMContentLoaded', () => {
    const icon = Object.assign(document.createElement('link'), { rel: 'icon', href: 'data:,' });
    document.head.append(icon);
  });

// Opens a socket in the page, sends texts, and tells everything that came. `busy` keeps the page from reading for a while.
async function talk(open, path, texts, { inTurn = false, busy = 0, ...options } = {}) {
  const page = await open(`${GATEWAY}/healthz`, { before: withoutIcon, ...options });
  return page.evaluate(
    ([path, texts, inTurn, busy]) =>
      new Promise((resolve) => {
        const socket = new WebSocket(`ws://${location.host}${path}`);
        const messages = [];
        const next = () => texts.length > 0 && socket.send(texts.shift());
        socket.onopen = () => {
          do next();
          while (!inTurn && texts.length > 0);
        };
        socket.onmessage = ({ data }) => {
          if (messages.length === 0) {
            const until = Date.now() + busy;
            while (Date.now() < until);
          }
          messages.push(JSON.parse(data));
          if (inTurn) next();
        };
        socket.onclose = ({ code, reason }) => {
          const status = messages.pop()?.['@status'];
          resolve({ messages, status, code, reason });
        };
      }),
    [path, texts, inTurn, busy],
  );
}

const tests = {
  async 'one message each way'(open) {
    const { messages, status, code, reason } = await talk(open, '/v1/rooms/7:say', ['{"text": "olá"}']);
    assert.deepEqual(messages, [{ room: 'rooms/7', text: 'olá' }]);
    assert.deepEqual([status.code, code, reason], [0, 1000, 'OK']);
  },

  async 'a stream from the service'(open) {
    const { messages } = await talk(open, '/v1/rooms/7:watch', []);
    assert.deepEqual(
      messages.map(({ number }) => number),
      ['1', '2', '3'],
    );
  },

  async 'a stream to the service'(open) {
    const texts = Array.from({ length: 1000 }, (_, number) => JSON.stringify({ number }));
    const { messages, status, code } = await talk(open, '/v1/rooms/7:collect', [...texts, '']);
    assert.deepEqual([messages, status?.code, code], [[{ number: '999' }], 0, 1000]);
  },

  async 'both directions'(open) {
    const texts = [1, 2, 3].map((number) => JSON.stringify({ number }));
    const { messages, code } = await talk(open, '/v1/rooms/7/talk', [...texts, ''], { inTurn: true });
    assert.deepEqual(
      messages.map(({ number }) => number),
      ['1', '2', '3'],
    );
    assert.equal(code, 1000);
  },

  async 'an error'(open) {
    const { messages, status, code, reason } = await talk(open, '/v1/rooms/7:watch?text=fails', []);
    assert.deepEqual([messages, status.code, code, reason], [[], 5, 4005, 'NOT_FOUND: no such room']);
  },

  async 'a page that does not read for a while loses nothing'(open) {
    const { messages, code } = await talk(open, '/v1/rooms/7:watch?text=long', [], { busy: 1500 });
    assert.deepEqual([messages.length, code], [1000, 1000]);
  },

  async 'a path that leads nowhere'(open) {
    const { messages, status, code } = await talk(open, '/v1/nothing', [], { expected: /WebSocket connection|404/ });
    assert.deepEqual([messages, status, code], [[], undefined, 1006]);
  },
};

await run(tests);
