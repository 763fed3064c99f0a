// A browser's own EventSource on streams of a general gateway: messages, the end, errors, silence, and no replay.
//
// Run: NODE_MODULES=.../node_modules CHROMIUM=/usr/bin/chromium GATEWAY_URL=http://127.0.0.1:8080 node event_source.mjs
// Behind the gateway, /v1/shelves/NAME:watch is a stream of {sequence, text}: of three messages for `ends` and
// `lines`, of two with a silence between them for `silent`, of one and then NOT_FOUND for `fails`; any other is
// NOT_FOUND at once.
// Prints `ok NAME` lines; exits 1 at the first failure, 64 when a variable is missing.

import assert from 'node:assert/strict';
import { required, run } from './support.mjs';

const GATEWAY = required('GATEWAY_URL').replace(/\/$/, '');
// Longer than a browser waits before it connects again (Chromium: 3 s).
const RECONNECTED_MS = 4_500;

// The gateway has no icon, and a browser complains of that.
const withoutIcon = () =>
  document.addEventListener('DOMContentLoaded', () => {
    const icon = Object.assign(document.createElement('link'), { rel: 'icon', href: 'data:,' });
    document.head.append(icon);
  });

// Opens an EventSource in the page as anybody would, closing it nowhere, and tells what it saw once nothing follows:
// its state is CLOSED for good only when it was told not to come back.
async function watch(open, name, options) {
  const page = await open(`${GATEWAY}/healthz`, { before: withoutIcon, ...options });
  const requests = [];
  page.on('response', (response) => {
    if (!response.url().includes(':watch')) return;
    const asked = response.request().allHeaders();
    requests.push(asked.then((headers) => [response.status(), headers['last-event-id']]));
  });
  const seen = await page.evaluate(
    ([url, limit]) =>
      new Promise((resolve, reject) => {
        const source = new EventSource(url);
        const seen = [];
        const keep = (event) => seen.push([event.type, event.data && JSON.parse(event.data), event.lastEventId]);
        source.onopen = keep;
        source.onmessage = keep;
        source.addEventListener('end', keep);
        source.addEventListener('error', (event) => {
          keep(event);
          if (source.readyState === EventSource.CLOSED) resolve(seen);
        });
        setTimeout(() => reject(new Error(`still open after ${limit} ms: ${JSON.stringify(seen)}`)), limit);
      }),
    [`/v1/shelves/${name}:watch`, 3 * RECONNECTED_MS],
  );
  return { seen, requests: await Promise.all(requests) };
}

const message = (sequence) => ['message', { sequence: String(sequence), text: 'olá' }, ''];
const OPEN = ['open', undefined, ''];
const plain = (seen) => seen.map(([type, data, id]) => [type, data ?? undefined, type === 'open' ? '' : id]);

const tests = {
  async 'messages come, then the end, and the call is not repeated'(open) {
    const { seen, requests } = await watch(open, 'ends');
    const events = plain(seen);
    assert.deepEqual(events.slice(0, 5), [OPEN, message(1), message(2), message(3), ['end', {}, 'end']]);
    // The connection closes, the browser comes back with the last id, and is told that there is nothing more.
    assert.ok(events.slice(5).every(([type, data]) => type === 'error' && data === undefined), JSON.stringify(events));
    assert.deepEqual(requests, [
      [200, undefined],
      [204, 'end'],
    ]);
      },

  async 'a silence is no end'(open) {
    const { seen } = await watch(open, 'silent');
    const events = plain(seen).filter(([type]) => type !== 'error');
    assert.deepEqual(events, [OPEN, message(1), message(2), ['end', {}, 'end']]);
  },

  async 'an error comes as an event with its data, and the call is not repeated'(open) {
    const { seen, requests } = await watch(open, 'fails');
    const events = plain(seen);
    assert.deepEqual(events.slice(0, 2), [OPEN, message(1)]);
    const [type, data, id] = events[2];
    assert.deepEqual([type, data.code, data.message, id], ['error', 5, 'the shelf is gone', 'end']);
    assert.ok(events.slice(3).every(([type, data]) => type === 'error' && data === undefined), JSON.stringify(events));
    assert.deepEqual(requests, [
      [200, undefined],
      [204, 'end'],
    ]);
  },

  async 'an error before the first message is a status, and final'(open) {
    const { seen, requests } = await watch(open, 'nosuch', { expected: /status of 404/ });
    assert.deepEqual(
      plain(seen).map(([type]) => type),
      ['error'],
    );
    assert.deepEqual(requests, [[404, undefined]]);
  },

  async 'a page may also read lines'(open) {
    const page = await open(`${GATEWAY}/healthz`, { before: withoutIcon });
    const lines = await page.evaluate(async () => {
      const answer = await fetch('/v1/shelves/lines:watch', { headers: { accept: 'application/x-ndjson' } });
      return (await answer.text()).trimEnd().split('\n').map(JSON.parse);
    });
    assert.deepEqual(
      lines,
      [1, 2, 3].map((sequence) => message(sequence)[1]),
    );
  },
};

await run(tests);
