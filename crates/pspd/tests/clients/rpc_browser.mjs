// Clients of gRPC-Web and Connect in a real Chromium, on a page of another origin.
//
// In: GATEWAY_URL, NODE_MODULES, CHROMIUM, PROTO_SET (a serialized FileDescriptorSet).
// Prints `ok NAME` lines; exits 1 at the first failure.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { load, required, run } from './support.mjs';

const bundled = load('esbuild').buildSync({
  entryPoints: [fileURLToPath(new URL('rpc_page.js', import.meta.url))],
  bundle: true,
  write: false,
  format: 'iife',
  nodePaths: [required('NODE_MODULES')],
});
const script = bundled.outputFiles[0].text;
const icon = '<link rel="icon" href="data:,">';
const server = createServer((request, response) => {
  const isScript = request.url === '/page.js';
  response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
  response.end(isScript ? script : `<!doctype html>${icon}<script src="/page.js"></script>`);
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const page = `http://127.0.0.1:${server.address().port}/`;
const set = [...readFileSync(required('PROTO_SET'))];

const CLIENTS = ['connect-json', 'connect-proto', 'connect-get', 'connect-web', 'grpc-web-text', 'grpc-web-binary'];
const TESTS = ['once', 'many', 'large', 'fail', 'unknown'];
const tests = {};
for (const client of CLIENTS) {
  for (const test of TESTS) {
    // A URL has no room for it.
    if (client === 'connect-get' && test === 'large') continue;
    // The gateway is another origin, and Chromium tells of every answer that is no success.
    const expected = /request to another origin|Failed to load resource/;
    tests[`${client} ${test}`] = async (open) => {
      const opened = await open(page, { expected });
      await opened.evaluate(
        ([url, bytes, client, test]) => {
          window.begin(url, bytes);
          return window.check(client, test);
        },
        [required('GATEWAY_URL'), set, client, test],
      );
    };
  }
}
await run(tests);
server.close();
