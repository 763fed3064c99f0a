// kinds.v1.Kinds through a gateway, by Connect's own client for Node, which speaks
// Connect (in JSON and in binary), gRPC-Web and gRPC over HTTP/1.1 and HTTP/2.
//
// In: GATEWAY_URL, NODE_MODULES, PROTO_SET (a serialized FileDescriptorSet). Out: `ok
// NAME` for each test; the first failure ends the process with 1.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(process.env.NODE_MODULES + "/");
const { Code, ConnectError, createClient, encodeBinaryHeader } = require("@connectrpc/connect");
const node = require("@connectrpc/connect-node");
const { createFileRegistry, fromBinary } = require("@bufbuild/protobuf");
const { FileDescriptorSetSchema } = require("@bufbuild/protobuf/wkt");

const baseUrl = process.env.GATEWAY_URL;
const set = fromBinary(FileDescriptorSetSchema, readFileSync(process.env.PROTO_SET));
const Kinds = createFileRegistry(set).getService("kinds.v1.Kinds");

const transports = {};
for (const httpVersion of ["1.1", "2"]) {
  const options = { baseUrl, httpVersion };
  for (const useBinaryFormat of [true, false]) {
    const name = `connect-${useBinaryFormat ? "proto" : "json"}-${httpVersion}`;
    transports[name] = node.createConnectTransport({ ...options, useBinaryFormat });
    transports[`${name}-get`] = node.createConnectTransport({
      ...options,
      useBinaryFormat,
      useHttpGet: true,
    });
  }
  transports[`web-${httpVersion}`] = node.createGrpcWebTransport(options);
}
transports["connect-gzip"] = node.createConnectTransport({
  baseUrl,
  httpVersion: "2",
  useBinaryFormat: true,
  sendCompression: node.compressionGzip,
  compressMinBytes: 0,
});
transports["grpc-2"] = node.createGrpcTransport({ baseUrl });
transports["grpc-gzip"] = node.createGrpcTransport({
  baseUrl,
  sendCompression: node.compressionGzip,
  compressMinBytes: 0,
});

async function* asks(numbers, text = "") {
  for (const number of numbers) yield { number, text };
}

async function collect(stream) {
  const got = [];
  for await (const said of stream) got.push(Number(said.number));
  return got;
}

async function failure(call) {
  try {
    await call();
  } catch (error) {
    return ConnectError.from(error);
  }
  return assert.fail("the call did not fail");
}

const tests = {
  async once({ client, name }) {
    const seen = {};
    const payload = new Uint8Array([0, 1, 254, 255]);
    const headers = { "x-note": "a note" };
    headers["x-note-bin"] = encodeBinaryHeader(new Uint8Array([0, 255, 1]));
    const said = await client.once(
      { text: "olá ∑", number: -7, payload },
      {
        headers,
        onHeader: (header) => { seen.header = header; },
        onTrailer: (trailer) => { seen.trailer = trailer; },
      },
    );
    assert.equal(said.text, "olá ∑");
    assert.equal(said.number, -7n);
    assert.deepEqual([...said.payload], [...payload]);
    assert.equal(said.metadata["x-note"], "a note");
    assert.equal(said.metadata["x-note-bin"], "AP8B");
    assert.equal(seen.header.get("x-head"), "begun");
    // In gRPC itself a head goes through as it is.
    assert.equal(seen.header.has("x-request-id"), !name.startsWith("grpc-"));
    assert.equal(seen.trailer.get("x-tail"), "ended");
    assert.equal(seen.trailer.get("x-tail-bin").replaceAll("=", ""), "AP8");
  },

  async many({ client }) {
    assert.deepEqual(await collect(client.many({ number: 5 })), [0, 1, 2, 3, 4]);
    assert.deepEqual(await collect(client.many({ number: 0 })), []);
  },

  async sum({ client, name }) {
    if (name.startsWith("web-1")) return;
    const said = await client.sum(asks([1, 2, 39]));
    assert.equal(said.number, 42n);
    assert.equal((await client.sum(asks([]))).number, 0n);
  },

  async talk({ client, name }) {
    if (name.includes("1.1")) return;
    // Each answer is awaited before the next question.
    let next;
    const turns = [1, 2, 3];
    async function* questions() {
      for (const number of turns) {
        const answered = new Promise((go) => { next = go; });
        yield { number, text: "turn" };
        await answered;
      }
    }
    const got = [];
    for await (const said of client.talk(questions())) {
      got.push(Number(said.number));
      next();
    }
    assert.deepEqual(got, turns);
  },

  async fail({ client }) {
    for (const code of [1, 3, 4, 5, 7, 8, 12, 13, 14, 16]) {
      const error = await failure(() => client.refuse({ number: code, text: `código ${code} %` }));
      assert.equal(error.code, code);
      assert.equal(error.rawMessage, `código ${code} %`);
      assert.equal(error.metadata.get("x-tail"), "ended");
    }
    const late = await failure(() => collect(client.fail({ number: 5, text: "late", payload: new Uint8Array(1) })));
    assert.equal(late.code, Code.NotFound);
    assert.equal(late.rawMessage, "late");
    const early = await failure(() => collect(client.fail({ number: 9, text: "early" })));
    assert.equal(early.code, Code.FailedPrecondition);
  },

  async details({ client }) {
    const error = await failure(() => client.refuse({ number: 5, text: "detailed" }));
    assert.equal(error.details.length, 1);
    assert.equal(error.details[0].type, "google.rpc.RequestInfo");
    assert.deepEqual([...error.details[0].value], [10, 2, 114, 49]);
  },

  async deadline({ client }) {
    for (const call of [
      () => client.once({ text: "silent" }, { timeoutMs: 200 }),
      () => collect(client.many({ text: "silent" }, { timeoutMs: 200 })),
    ]) {
      assert.equal((await failure(call)).code, Code.DeadlineExceeded);
    }
  },

  async cancel({ client }) {
    const abort = new AbortController();
    let count = 0;
    const error = await failure(async () => {
      for await (const said of client.many({ text: "endless" }, { signal: abort.signal })) {
        count += 1;
        if (count === 10) abort.abort();
        assert.ok(said);
      }
    });
    assert.equal(error.code, Code.Canceled);
  },

  async large({ client, name }) {
    const size = 3_000_000;
    if (name.endsWith("-get")) return;
    const payload = new Uint8Array(size).map((_, index) => (index * 7919) >> 3);
    const said = await client.once({ payload });
    assert.equal(Buffer.compare(Buffer.from(said.payload), Buffer.from(payload)), 0);
  },

  async crowd({ client, name }) {
    if (!name.endsWith("2")) return;
    const calls = Array.from({ length: 200 }, (_, number) => client.once({ number }));
    const got = (await Promise.all(calls)).map((said) => Number(said.number));
    assert.deepEqual(got, got.map((_, index) => index));
  },

  async unknown({ name }) {
    const nothing = { ...Kinds.method.once, name: "Nothing" };
    const call = () => transports[name].unary(nothing, undefined, undefined, undefined, {});
    const error = await failure(call);
    assert.equal(error.code, Code.Unimplemented);
    // By GET it is a path like any other.
    if (!name.endsWith("-get")) assert.match(error.rawMessage, /Nothing/);
  },
};

const only = process.env.ONLY ?? "";
for (const [name, transport] of Object.entries(transports)) {
  const client = createClient(Kinds, transport);
  for (const [test, check] of Object.entries(tests)) {
    if (!`${name} ${test}`.includes(only)) continue;
    try {
      await check({ client, name });
      console.log(`ok ${name} ${test}`);
    } catch (error) {
      console.error(`not ok ${name} ${test}\n${error.stack ?? error}`);
      if (!process.env.KEEP_GOING) process.exit(1);
    }
  }
}
process.exit(0);
