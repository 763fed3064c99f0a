// kinds.v1.Kinds by grpc-js: the service behind a gateway. Prints its port, then what
// becomes of its calls, a line each, until its input ends.

import { createRequire } from "node:module";

const require = createRequire(process.env.NODE_MODULES + "/");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const definition = loader.loadSync(process.env.PROTO, { longs: Number, defaults: true });
const { Kinds } = grpc.loadPackageDefinition(definition).kinds.v1;

// google.rpc.Status with the code 5, "detailed" and a RequestInfo with the id r1.
const DETAILS = Buffer.from(
  "0805120864657461696c65641a320a2a747970652e676f6f676c65617069732e636f6d2f" +
    "676f6f676c652e7270632e52657175657374496e666f12040a027231",
  "hex",
);

function metadataOf(call) {
  const seen = {};
  for (const [name, value] of Object.entries(call.metadata.getMap())) {
    seen[name] = Buffer.isBuffer(value) ? value.toString("base64") : String(value);
  }
  return seen;
}

function head(call) {
  const metadata = new grpc.Metadata();
  metadata.set("x-head", "begun");
  for (const value of call.metadata.get("x-note")) metadata.add("x-note", value);
  for (const value of call.metadata.get("x-note-bin")) metadata.add("x-note-bin", value);
  call.sendMetadata(metadata);
}

function tail() {
  const metadata = new grpc.Metadata();
  metadata.set("x-tail", "ended");
  metadata.set("x-tail-bin", Buffer.from([0, 255]));
  return metadata;
}

function watch(call, name) {
  call.on("cancelled", () => console.log(`cancelled ${name}`));
}

function failure(ask) {
  const metadata = tail();
  if (ask.text === "detailed") metadata.set("grpc-status-details-bin", DETAILS);
  return { code: ask.number, details: ask.text, metadata };
}

const methods = {
  Once(call, done) {
    watch(call, "Once");
    const ask = call.request;
    if (ask.text === "silent") return;
    head(call);
    const said = { ...ask, metadata: metadataOf(call) };
    done(null, said, tail());
  },

  async Many(call) {
    watch(call, "Many");
    head(call);
    const { text, number, payload } = call.request;
    if (text === "silent") return;
    let open = true;
    call.on("cancelled", () => { open = false; });
    for (let index = 0; open && (text === "endless" || index < number); index += 1) {
      if (!call.write({ text, number: index, payload })) {
        await new Promise((drained) => {
          call.once("drain", drained);
          call.once("cancelled", drained);
        });
      }
      if (index % 1000 === 0) console.log(`sent ${index}`);
    }
    call.end(tail());
  },

  Sum(call, done) {
    watch(call, "Sum");
    head(call);
    let sum = 0;
    let stopped = false;
    call.on("data", (ask) => {
      sum += ask.number;
      if (ask.text === "stop") {
        stopped = true;
        done({ code: 9, details: "enough", metadata: tail() });
      }
      if (ask.text === "pause") {
        call.pause();
        console.log("paused");
      }
    });
    call.on("end", () => stopped || done(null, { number: sum, metadata: metadataOf(call) }, tail()));
    call.on("error", () => {});
  },

  Talk(call) {
    watch(call, "Talk");
    head(call);
    call.on("data", ({ text, number, payload }) => call.write({ text, number, payload }));
    call.on("end", () => call.end(tail()));
    call.on("error", () => {});
  },

  Fail(call) {
    head(call);
    if (call.request.payload.length > 0) call.write({ text: "before" });
    call.emit("error", failure(call.request));
  },

  Refuse(call, done) {
    done(failure(call.request));
  },
};

const server = new grpc.Server({
  "grpc.max_receive_message_length": 64 << 20,
  "grpc.max_send_message_length": 64 << 20,
  "grpc.max_concurrent_streams": 10_000,
});
server.addService(Kinds.service, methods);
const port = await new Promise((bound, failed) => {
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) failed(error);
    else bound(port);
  });
});
console.log(`port ${port}`);
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
