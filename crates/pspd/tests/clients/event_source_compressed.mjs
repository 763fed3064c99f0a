// A browser's own EventSource on a compressed stream: each message is there before the next one is sent.
//
// Run: NODE_MODULES=.../node_modules CHROMIUM=/usr/bin/chromium GATEWAY_URL=http://127.0.0.1:8080 CODING=gzip node event_source_compressed.mjs
// Behind the gateway, /v1/shelves/any:watch is a stream of 20 messages, of which each is sent once /v1/shelves/next
// has been asked for.
// Prints `ok NAME` lines; exits 1 at the first failure, 64 when a variable is missing.

import assert from 'node:assert/strict';
import { required, run } from './support.mjs';

const GATEWAY = required('GATEWAY_URL').replace(/\/$/, '');
const CODING = required('CODING');

const withoutIcon = () =>
  document.addEventListener('DOMContentLoaded', () => {
    const icon = Object.assign(document.createElement('link'), { rel: 'icon', href: 'data:,' });
    document.head.append(icon);
  });

await run({
  async 'each message comes before the next one is sent'(open) {
    const page = await open(`${GATEWAY}/healthz`, { before: withoutIcon });
    const codings = [];
    page.on('response', (response) => {
      if (response.url().includes(':watch')) codings.push(response.headers()['content-encoding']);
    });
    const seen = await page.evaluate(
      () =>
        new Promise((resolve, reject) => {
          const source = new EventSource('/v1/shelves/any:watch');
          const seen = [];
          const next = () => fetch('/v1/shelves/next').catch(reject);
          source.onmessage = (event) => {
            seen.push(JSON.parse(event.data).sequence);
            next();
          };
          // The answer begins with its first message.
          next();
          source.addEventListener('end', () => {
            source.close();
            resolve(seen);
          });
          setTimeout(() => reject(new Error(`waits after ${seen}`)), 12_000);
        }),
    );
    assert.deepEqual(
      seen,
      Array.from({ length: 20 }, (_, index) => String(index + 1)),
    );
    assert.deepEqual(codings, [CODING]);
  },
});
