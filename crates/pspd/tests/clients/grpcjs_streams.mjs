// Streams of requests as grpc-js sees them: Statistics (client streaming) and Echo (bidirectional) of service B.
//
// Run: B_ADDR=127.0.0.1:50052 PROTO=.../streams.proto NODE_MODULES=.../node_modules node grpcjs_streams.mjs
// NODE_MODULES holds @grpc/grpc-js and @grpc/proto-loader. The server's --count-max must be 10000.
// Prints `ok NAME` lines; exits 1 at the first failure, 64 when a variable is missing or wrong.
//
// Nothing here asserts that something was fast: a call that does not return ends by its own deadline, as a failure.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { load, required } from './support.mjs';

const grpc = load('@grpc/grpc-js');
const protoLoader = load('@grpc/proto-loader');
const { status } = grpc;

const CALL_TIMEOUT_MS = 15_000;
const COUNT_MAX = 10_000;

const READ_AS = { keepCase: true, longs: Number, defaults: true };
const { Statistics, Echo } = grpc.loadPackageDefinition(
  protoLoader.loadSync(required('PROTO'), READ_AS),
).pspd;
// No proxy of the environment may stand between this client and the service.
const connect = (Client) =>
  new Client(required('B_ADDR'), grpc.credentials.createInsecure(), { 'grpc.enable_http_proxy': 0 });
const sums = connect(Statistics);
const echo = connect(Echo);

const within = (ms) => ({ deadline: Date.now() + ms });

// ---------------------------------------------------------------- hands

// A call of Summarize, and what comes of it.
function summarize(timeoutMs = CALL_TIMEOUT_MS) {
  let call;
  const answer = new Promise((resolve, reject) => {
    call = sums.Summarize(within(timeoutMs), (error, reply) => (error ? reject(error) : resolve(reply)));
  });
  // Looked at later, and by then it may have failed.
  answer.catch(() => {});
  return { call, answer };
}

// Sends all, and waits where the connection has no room.
async function send(call, messages) {
  for (const message of messages) if (!call.write(message)) await once(call, 'drain');
}

async function summary(values) {
  const { call, answer } = summarize();
  // A refusal may come while values are still under way, and then nothing drains.
  await Promise.race([send(call, values.map((value) => ({ value }))), answer]);
  call.end();
  return answer;
}

// A conversation whose answers are taken one by one.
function converse(timeoutMs = CALL_TIMEOUT_MS) {
  const call = echo.Converse(within(timeoutMs));
  const answers = call[Symbol.asyncIterator]();
  return {
    call,
    say: (text) => call.write({ text }),
    next: async () => (await answers.next()).value,
  };
}

async function fails(code, promise, what = '') {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error) => ({ error }),
  );
  assert.ok(outcome.error, `${what}: expected ${status[code]}, but the call answered`);
  assert.equal(status[outcome.error.code], status[code], `${what}: ${outcome.error.message}`);
  return outcome.error;
}

// ---------------------------------------------------------------- the tests

const tests = {
  async 'Summarize sums up'() {
    const { standard_deviation: deviation, ...rest } = await summary([2, 4, 4, 4, 5, 5, 7, 9]);
    assert.deepEqual(rest, { count: 8, sum: 40, mean: 5, min: 2, max: 9 });
    assert.ok(Math.abs(deviation - Math.sqrt(32 / 7)) < 1e-12, `${deviation}`);
    const none = { count: 0, sum: 0, mean: 0, min: 0, max: 0, standard_deviation: 0 };
    assert.deepEqual({ ...(await summary([])) }, none);
  },

  async 'Summarize refuses what is no finite number'() {
    for (const [values, code, said] of [
      [[1, Number.NaN], status.INVALID_ARGUMENT, 'value 1 '],
      [[Number.NEGATIVE_INFINITY], status.INVALID_ARGUMENT, 'value 0 '],
      [[Number.MAX_VALUE, Number.MAX_VALUE], status.OUT_OF_RANGE, 'value 1 '],
    ]) {
      const error = await fails(code, summary(values), `${values}`);
      assert.ok(error.details.includes(said), error.details);
    }
  },

  async 'a refusal comes while the client still sends'() {
    const { call, answer } = summarize();
    call.write({ value: Number.NaN });
    await fails(status.INVALID_ARGUMENT, answer);
  },

  async 'Summarize takes count-max values'() {
    const values = Array.from({ length: COUNT_MAX }, () => 0.5);
    assert.equal((await summary(values)).count, COUNT_MAX);
    await fails(status.INVALID_ARGUMENT, summary([...values, 0.5]));
  },

  async 'the deadline and the client end a stream of values'() {
    const late = summarize(300);
    late.call.write({ value: 1 });
    await fails(status.DEADLINE_EXCEEDED, late.answer);
    const left = summarize();
    left.call.write({ value: 1 });
    left.call.cancel();
    await fails(status.CANCELLED, left.answer);
    assert.equal((await summary([1, 2])).count, 2);
  },

  async 'Converse answers each message at once'() {
    const { call, say, next } = converse();
    let bytes = 0;
    for (const [index, text] of ['a', '', 'José 日本 😀', 'x'.repeat(100_000)].entries()) {
      say(text);
      bytes += Buffer.byteLength(text);
      assert.deepEqual({ ...(await next()) }, { text, messages: index + 1, bytes });
    }
    const ended = once(call, 'status');
    call.end();
    assert.equal(await next(), undefined, 'nothing more after the client has ended');
    const [{ code }] = await ended;
    assert.equal(code, status.OK);
  },

  async 'Converse answers all that came before the end'() {
    const call = echo.Converse(within(CALL_TIMEOUT_MS));
    const texts = Array.from({ length: 10_000 }, (_, i) => `message ${i}`);
    const sent = send(call, texts.map((text) => ({ text }))).then(() => call.end());
    const came = [];
    for await (const { text } of call) came.push(text);
    await sent;
    assert.deepEqual(came, texts);
  },

  async 'the deadline ends a conversation'() {
    const { say, next } = converse(3_000);
    say('a');
    assert.equal((await next()).messages, 1);
    await fails(status.DEADLINE_EXCEEDED, next());
  },

  async 'eighty conversations cancelled at once'() {
    const open = Array.from({ length: 80 }, () => converse());
    open.forEach(({ say }) => say('a'));
    for (const { next } of open) assert.equal((await next()).messages, 1);
    open.forEach(({ call }) => call.cancel());
    for (const { next } of open) await fails(status.CANCELLED, next());
    const { say, next, call } = converse();
    say('still there');
    assert.equal((await next()).text, 'still there');
    call.end();
  },
};

for (const [name, test] of Object.entries(tests)) {
  try {
    await test();
  } catch (error) {
    console.error(`not ok ${name}\n${error.message}`);
    process.exit(1);
  }
  console.log(`ok ${name}`);
}
process.exit(0);
