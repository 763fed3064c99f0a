// Bundled into a page: kinds.v1.Kinds by the clients that browsers have, Connect's (in
// its own protocol and in gRPC-Web) and Google's grpc-web. `window.check(transport, test)`
// runs one test.

import { createFileRegistry, create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { GrpcWebClientBase, MethodDescriptor, MethodType } from "grpc-web";

window.begin = (baseUrl, bytes) => {
  const set = fromBinary(FileDescriptorSetSchema, new Uint8Array(bytes));
  const registry = createFileRegistry(set);
  const Kinds = registry.getService("kinds.v1.Kinds");
  const connect = (transport) => byConnect(createClient(Kinds, transport));
  const clients = {
    "connect-json": connect(createConnectTransport({ baseUrl })),
    "connect-proto": connect(createConnectTransport({ baseUrl, useBinaryFormat: true })),
    "connect-get": connect(createConnectTransport({ baseUrl, useHttpGet: true })),
    "connect-web": connect(createGrpcWebTransport({ baseUrl })),
    "grpc-web-text": byGoogle(baseUrl, Kinds, "text"),
    "grpc-web-binary": byGoogle(baseUrl, Kinds, "binary"),
  };
  window.check = (client, test) => tests[test](clients[client]);
  return { clients: Object.keys(clients), tests: Object.keys(tests) };
};

function equal(got, expected) {
  const [one, other] = [got, expected].map((value) => JSON.stringify(value));
  if (one !== other) throw new Error(`${one} instead of ${other}`);
}

const tests = {
  async once(client) {
    const { said, header, trailer } = await client.once({ text: "olá ∑", number: -7 }, { "x-note": "a note" });
    equal(said.text, "olá ∑");
    equal(Number(said.number), -7);
    equal(said.metadata["x-note"], "a note");
    equal(header("x-head"), "begun");
    equal(trailer("x-tail"), "ended");
  },

  async many(client) {
    equal(await client.many({ number: 5 }), [0, 1, 2, 3, 4]);
  },

  async large(client) {
    const text = "0123456789".repeat(50_000);
    const { said } = await client.once({ text });
    equal(said.text === text, true);
  },

  async fail(client) {
    const error = await client.refuse({ number: 5, text: "código %" });
    equal([error.code, error.message], [5, "código %"]);
    const late = await client.failing({ number: 9, text: "late", payload: new Uint8Array(1) });
    equal([late.code, late.message], [9, "late"]);
  },

  async unknown(client) {
    equal((await client.refuse({ number: 12, text: "no" })).code, 12);
  },
};

function byConnect(client) {
  const failure = async (call) => {
    try {
      await call();
    } catch (error) {
      const { code, rawMessage } = ConnectError.from(error);
      return { code, message: rawMessage };
    }
    throw new Error("the call did not fail");
  };
  const collect = async (stream) => {
    const got = [];
    for await (const said of stream) got.push(Number(said.number));
    return got;
  };
  return {
    async once(ask, headers) {
      const seen = {};
      const said = await client.once(ask, {
        headers,
        onHeader: (header) => { seen.header = header; },
        onTrailer: (trailer) => { seen.trailer = trailer; },
      });
      return { said, header: (name) => seen.header.get(name), trailer: (name) => seen.trailer.get(name) };
    },
    many: (ask) => collect(client.many(ask)),
    refuse: (ask) => failure(() => client.refuse(ask)),
    failing: (ask) => failure(() => collect(client.fail(ask))),
  };
}

function byGoogle(baseUrl, Kinds, format) {
  const client = new GrpcWebClientBase({ format });
  const path = (method) => `${baseUrl}/kinds.v1.Kinds/${method.name}`;
  const describe = (method) =>
    new MethodDescriptor(
      `/kinds.v1.Kinds/${method.name}`,
      method.methodKind === "unary" ? MethodType.UNARY : MethodType.SERVER_STREAMING,
      Object,
      Object,
      (ask) => toBinary(method.input, create(method.input, ask)),
      (bytes) => fromBinary(method.output, new Uint8Array(bytes)),
    );
  const unary = (method, ask, headers = {}) =>
    new Promise((done, failed) => {
      const seen = {};
      const call = client.rpcCall(path(method), ask, headers, describe(method), (error, said) => {
        if (error) failed(error);
        // The status comes after the message.
        else setTimeout(() => done({ said, ...seen }), 50);
      });
      call.on("metadata", (metadata) => { seen.metadata = metadata; });
      call.on("status", (status) => { seen.status = status; });
    });
  const stream = (method, ask) =>
    new Promise((done, failed) => {
      const got = [];
      const call = client.serverStreaming(path(method), ask, {}, describe(method));
      call.on("data", (said) => got.push(Number(said.number)));
      call.on("error", failed);
      call.on("end", () => done(got));
    });
  const { once, many, refuse, fail } = Kinds.method;
  const failure = (call) => call.then(
    () => { throw new Error("the call did not fail"); },
    ({ code, message }) => ({ code, message }),
  );
  return {
    async once(ask, headers) {
      const { said, metadata, status } = await unary(once, ask, headers);
      return {
        said,
        header: (name) => metadata[name],
        trailer: (name) => (status.metadata ?? {})[name] ?? metadata[name],
      };
    },
    many: (ask) => stream(many, ask),
    refuse: (ask) => failure(unary(refuse, ask)),
    failing: (ask) => failure(stream(fail, ask)),
  };
}
