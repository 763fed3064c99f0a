// Services A and B without a gateway: a unary call, then a server stream, over gRPC.
// For a stream, the time to its first message and to its end.
//
//   k6 run load/k6/grpc-direct.js
//
// A (127.0.0.1:50051), B (127.0.0.1:50052), VUS (100) and DURATION (30s) may be set
// with -e. Each user has a connection to each service.
import { Client, Stream, StatusOK } from 'k6/net/grpc';
import { Counter, Rate, Trend } from 'k6/metrics';
import { TRENDS } from './iteration.js';

const A = __ENV.A || '127.0.0.1:50051';
const B = __ENV.B || '127.0.0.1:50052';
const NUMBERS = 10;

const serviceA = new Client();
const serviceB = new Client();
serviceA.load(['../../proto'], 'services.proto');
serviceB.load(['../../proto'], 'services.proto');

const failed = new Rate('grpc_failed');
const firstMessage = new Trend('grpc_stream_first_message', true);
const wholeStream = new Trend('grpc_stream_duration', true);
const messages = new Counter('grpc_stream_messages');

export const options = {
  vus: Number(__ENV.VUS || 100),
  duration: __ENV.DURATION || '30s',
  summaryTrendStats: TRENDS,
  thresholds: { grpc_failed: ['rate==0'] },
};

export default async function () {
  if (__ITER === 0) {
    serviceA.connect(A, { plaintext: true });
    serviceB.connect(B, { plaintext: true });
  }
  const answer = serviceA.invoke('pspd.ServiceA/SayHello', { name: 'pspd' });
  failed.add(answer.status !== StatusOK);
  failed.add((await streamNumbers()) !== NUMBERS);
}

// How many numbers came; fewer than asked for where the stream broke off.
function streamNumbers() {
  return new Promise((resolve) => {
    const started = Date.now();
    let count = 0;
    const stream = new Stream(serviceB, 'pspd.ServiceB/StreamNumbers');
    stream.on('data', () => {
      if (count === 0) {
        firstMessage.add(Date.now() - started);
      }
      count += 1;
      messages.add(1);
    });
    stream.on('error', () => resolve(count));
    stream.on('end', () => {
      wholeStream.add(Date.now() - started);
      resolve(count);
    });
    stream.write({ count: NUMBERS, delay_ms: 5 });
    stream.end();
  });
}
