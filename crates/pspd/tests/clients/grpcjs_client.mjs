// Services A and B as grpc-js sees them: a foreign client that shares no code with them.
//
// Run: A_ADDR=127.0.0.1:50051 B_ADDR=127.0.0.1:50052 PROTO=.../services.proto NODE_MODULES=.../node_modules
//      node grpcjs_client.mjs
// NODE_MODULES holds @grpc/grpc-js and @grpc/proto-loader. CHECKS=calls leaves out what the original services
// lack (limits, health); the default is CHECKS=all.
// Prints `ok NAME` lines; exits 1 at the first failure, 64 when a variable is missing or wrong.
//
// Nothing here asserts that something was fast: a call that does not return ends by its own deadline, as a failure.

import assert from 'node:assert/strict';
import { load, required } from './support.mjs';

const grpc = load('@grpc/grpc-js');
const protoLoader = load('@grpc/proto-loader');
const { status } = grpc;

const CALL_TIMEOUT_MS = 15_000;
const CHECKS = process.env.CHECKS ?? 'all';
if (!['all', 'calls'].includes(CHECKS)) {
  console.error(`CHECKS is "${CHECKS}"; it must be all or calls`);
  process.exit(64);
}

// The standard health service, as its published definition has it.
const HEALTH = {
  nested: {
    grpc: {
      nested: {
        health: {
          nested: {
            v1: {
              nested: {
                HealthCheckRequest: { fields: { service: { type: 'string', id: 1 } } },
                HealthCheckResponse: {
                  fields: { status: { type: 'ServingStatus', id: 1 } },
                  nested: {
                    ServingStatus: { values: { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } },
                  },
                },
                Health: {
                  methods: {
                    Check: { requestType: 'HealthCheckRequest', responseType: 'HealthCheckResponse' },
                    Watch: {
                      requestType: 'HealthCheckRequest',
                      responseType: 'HealthCheckResponse',
                      responseStream: true,
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
};
const READ_AS = { keepCase: true, enums: String, defaults: true };

const { ServiceA, ServiceB } = grpc.loadPackageDefinition(
  protoLoader.loadSync(required('PROTO'), READ_AS),
).pspd;
const { Health } = grpc.loadPackageDefinition(protoLoader.fromJSON(HEALTH, READ_AS)).grpc.health.v1;

// No proxy of the environment may stand between this client and the service.
const connect = (Client, address) =>
  new Client(address, grpc.credentials.createInsecure(), { 'grpc.enable_http_proxy': 0 });
const a = connect(ServiceA, required('A_ADDR'));
const b = connect(ServiceB, required('B_ADDR'));
const healthA = connect(Health, required('A_ADDR'));
const healthB = connect(Health, required('B_ADDR'));

// ---------------------------------------------------------------- hands

const within = (ms) => ({ deadline: Date.now() + ms });
const upTo = (n) => Array.from({ length: n }, (_, i) => i + 1);

function unary(client, method, request) {
  return new Promise((resolve, reject) => {
    client[method](request, within(CALL_TIMEOUT_MS), (error, reply) =>
      error ? reject(error) : resolve(reply),
    );
  });
}

const stream = (count, delay_ms, timeoutMs = CALL_TIMEOUT_MS) =>
  b.StreamNumbers({ count, delay_ms }, within(timeoutMs));

// Reads a stream to its end; `each` sees every message and may cancel the call. Rejects with the call's error.
function read(call, each = () => {}) {
  return new Promise((resolve, reject) => {
    const messages = [];
    call.on('data', (message) => {
      messages.push(message);
      each(message, call);
    });
    call.on('end', () => resolve(messages));
    call.on('error', (error) => reject(Object.assign(error, { messages })));
  });
}

const numbers = async (count, delayMs) => (await read(stream(count, delayMs))).map(({ value }) => value);

async function fails(code, promise, what = '') {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error) => ({ error }),
  );
  assert.ok(outcome.error, `${what}: expected ${status[code]}, but the call answered`);
  assert.equal(status[outcome.error.code], status[code], `${what}: ${outcome.error.message}`);
  return outcome.error;
}

async function cancelledAfterFirst(call) {
  const error = await fails(
    status.CANCELLED,
    read(call, () => call.cancel()),
  );
  assert.equal(error.messages[0]?.value, 1);
}

// ---------------------------------------------------------------- the tests

const calls = {
  async 'SayHello answers exactly'() {
    const long = 'x'.repeat(10_000);
    for (const [name, message] of [
      ['pspd', 'Olá, pspd! [A]'],
      ['', 'Olá, world! [A]'],
      ['José 日本 😀', 'Olá, José 日本 😀! [A]'],
      ['"\\<b>&\n\u0001', 'Olá, "\\<b>&\n\u0001! [A]'],
      [long, `Olá, ${long}! [A]`],
    ])
      assert.deepEqual({ ...(await unary(a, 'SayHello', { name })) }, { message });
  },

  async 'StreamNumbers counts'() {
    for (const [count, expected] of [
      [3, 3],
      [1, 1],
      [0, 5],
      [-4, 5],
      [-(2 ** 31), 5],
      [10_000, 10_000],
    ]) {
      assert.deepEqual(await numbers(count, 0), upTo(expected), `count=${count}`);
    }
    assert.deepEqual(await numbers(2, -7), [1, 2], 'a negative delay is none');
  },

  async 'StreamNumbers waits after each number'() {
    const started = performance.now();
    assert.deepEqual(await numbers(4, 50), upTo(4));
    const elapsed = performance.now() - started;
    assert.ok(
      elapsed >= 195,
      `4 numbers of 50 ms each take 200 ms, the last wait included; this took ${elapsed} ms`,
    );
  },

  async 'StreamNumbers sends as it goes'() {
    await cancelledAfterFirst(stream(2, 60_000));
  },

  async 'a cancelled stream ends, the server goes on'() {
    await cancelledAfterFirst(stream(1_000, 1_000));
    assert.deepEqual(await numbers(3, 0), upTo(3));
  },

  async 'the deadline ends a stream'() {
    const error = await fails(status.DEADLINE_EXCEEDED, read(stream(1_000, 100, 300)));
    const came = error.messages.map(({ value }) => value);
    assert.deepEqual(came, upTo(came.length));
    assert.ok(came.length < 1_000, `${came.length} numbers came within the deadline`);
    assert.deepEqual(await numbers(3, 0), upTo(3));
  },

  async 'unknown methods are UNIMPLEMENTED'() {
    const same = (bytes) => bytes;
    for (const [client, path] of [
      [a, '/pspd.ServiceA/SayBye'],
      [b, '/pspd.ServiceB/SayHello'],
      [a, '/pspd.Nobody/SayHello'],
    ]) {
      await fails(
        status.UNIMPLEMENTED,
        new Promise((resolve, reject) => {
          client.makeUnaryRequest(
            path,
            same,
            same,
            Buffer.alloc(0),
            within(CALL_TIMEOUT_MS),
            (error, reply) => (error ? reject(error) : resolve(reply)),
          );
        }),
        path,
      );
    }
  },
};

const beyond = {
  async 'eighty streams cancelled at once'() {
    const open = Array.from({ length: 80 }, () => stream(1_000, 1_000));
    let waiting = open.length;
    const started = deferred();
    const ends = open.map((call) =>
      fails(
        status.CANCELLED,
        read(call, ({ value }) => {
          if (value !== 1) return;
          waiting -= 1;
          if (waiting === 0) started.resolve();
        }),
      ),
    );
    await Promise.race([started.promise, ...ends]);
    open.forEach((call) => call.cancel());
    await Promise.all(ends);
    assert.equal(waiting, 0, 'each stream had begun');
    assert.deepEqual(await numbers(3, 0), upTo(3));
  },

  async 'too much is INVALID_ARGUMENT'() {
    for (const [count, delayMs, named] of [
      [1_000_001, 0, 'count'],
      [2 ** 31 - 1, 0, 'count'],
      [1, 60_001, 'delay_ms'],
      [1, 2 ** 31 - 1, 'delay_ms'],
    ]) {
      const error = await fails(status.INVALID_ARGUMENT, numbers(count, delayMs), `${count}, ${delayMs}`);
      assert.ok(error.details.includes(named), `the message names ${named}: ${error.details}`);
    }
    await cancelledAfterFirst(stream(1_000_000, 60_000));
  },

  'health of A': () => tellsItsHealth(healthA, 'pspd.ServiceA'),
  'health of B': () => tellsItsHealth(healthB, 'pspd.ServiceB'),
};

async function tellsItsHealth(health, service) {
  for (const name of ['', service]) {
    assert.equal((await unary(health, 'Check', { service: name })).status, 'SERVING', `Check("${name}")`);
  }
  await fails(
    status.NOT_FOUND,
    unary(health, 'Check', { service: 'pspd.Nobody' }),
    'Check of an unknown service',
  );
  const watch = health.Watch({ service }, within(CALL_TIMEOUT_MS));
  const error = await fails(
    status.CANCELLED,
    read(watch, () => watch.cancel()),
  );
  assert.equal(error.messages[0].status, 'SERVING', 'the first answer of Watch');
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve) => {
    made.resolve = resolve;
  });
  return made;
}

for (const [name, test] of Object.entries(CHECKS === 'all' ? { ...calls, ...beyond } : calls)) {
  try {
    await test();
  } catch (error) {
    console.error(`not ok ${name}\n${error.message}`);
    process.exit(1);
  }
  console.log(`ok ${name}`);
}
process.exit(0);
