// kinds.v1.Kinds through a gateway, by grpc-js.
//
// In: GATEWAY_ADDR, NODE_MODULES, PROTO. Out: `ok NAME` for each test; the first failure
// ends the process with 1.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(process.env.NODE_MODULES + "/");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const definition = loader.loadSync(process.env.PROTO, { longs: Number, defaults: true });
const { Kinds } = grpc.loadPackageDefinition(definition).kinds.v1;
const client = new Kinds(process.env.GATEWAY_ADDR, grpc.credentials.createInsecure(), {
  "grpc.max_receive_message_length": 64 << 20,
});

function call(method, ask, metadata = new grpc.Metadata(), options = {}) {
  return new Promise((done, failed) => {
    const seen = {};
    const begun = client[method](ask, metadata, options, (error, said) => {
      if (error) failed(error);
      else setImmediate(() => done({ said, ...seen }));
    });
    begun.on("metadata", (head) => { seen.head = head; });
    begun.on("status", (status) => { seen.status = status; });
  });
}

function collect(stream) {
  return new Promise((done, failed) => {
    const got = [];
    stream.on("data", (said) => got.push(said.number));
    stream.on("error", failed);
    stream.on("end", () => done(got));
  });
}

const tests = {
  async once() {
    const metadata = new grpc.Metadata();
    metadata.set("x-note-bin", Buffer.from([0, 255]));
    const { said, head, status } = await call("Once", { text: "olá", number: 3 }, metadata);
    assert.equal(said.text, "olá");
    assert.deepEqual([...head.get("x-note-bin")[0]], [0, 255]);
    assert.equal(status.code, 0);
    assert.equal(status.metadata.get("x-tail")[0], "ended");
  },

  async many() {
    assert.deepEqual(await collect(client.Many({ number: 3 })), [0, 1, 2]);
  },

  async sum() {
    const said = await new Promise((done, failed) => {
      const stream = client.Sum((error, said) => (error ? failed(error) : done(said)));
      for (let number = 1; number <= 100; number += 1) stream.write({ number });
      stream.end();
    });
    assert.equal(said.number, 5050);
  },

  async talk() {
    const stream = client.Talk();
    const got = [];
    await new Promise((done, failed) => {
      stream.on("error", failed);
      stream.on("end", done);
      stream.on("data", ({ number }) => {
        got.push(number);
        if (number === 10) stream.end();
        else stream.write({ number: number + 1 });
      });
      stream.write({ number: 1 });
    });
    assert.deepEqual(got, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  },

  async fail() {
    const error = await call("Refuse", { number: 5, text: "no such thing" }).catch((error) => error);
    assert.equal(error.code, grpc.status.NOT_FOUND);
    assert.equal(error.details, "no such thing");
    assert.equal(error.metadata.get("x-tail")[0], "ended");
  },

  async deadline() {
    const deadline = Date.now() + 200;
    const error = await call("Once", { text: "silent" }, new grpc.Metadata(), { deadline }).catch((error) => error);
    assert.equal(error.code, grpc.status.DEADLINE_EXCEEDED);
  },

  async cancel() {
    const stream = client.Many({ text: "endless" });
    stream.once("data", () => stream.cancel());
    const error = await collect(stream).catch((error) => error);
    assert.equal(error.code, grpc.status.CANCELLED);
  },

  async crowd() {
    const calls = Array.from({ length: 1000 }, (_, number) => call("Once", { number }));
    const got = (await Promise.all(calls)).map(({ said }) => said.number);
    assert.deepEqual(got, got.map((_, index) => index));
  },
};

for (const [name, test] of Object.entries(tests)) {
  try {
    await test();
    console.log(`ok ${name}`);
  } catch (error) {
    console.error(`not ok ${name}\n${error.stack ?? error}`);
    process.exit(1);
  }
}
process.exit(0);
