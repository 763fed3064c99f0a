// The published iteration at a constant rate, whatever the answers take. k6 counts
// latency from the moment of sending: an arrival that found no free user is not slow
// here but dropped, so `dropped_iterations` belongs beside every percentile.
//
//   k6 run -e RATE=500 load/k6/open-loop.js
//
// RATE is in iterations a second (200), each of two requests; BASE_URL, DURATION (30s)
// and VUS_MAX (1000), the iterations under way at most, may be set in the same way.
import { iteration, TRENDS, SHOWN, NO_FAILURES } from './iteration.js';

const BASE_URL = __ENV.BASE_URL || 'http://127.0.0.1:8080';
const RATE = Number(__ENV.RATE || 200);
const VUS_MAX = Number(__ENV.VUS_MAX || 1000);
// An iteration takes 50 ms and a little: so many are under way on average, and
// twice as many are ready from the start.
const VUS_READY = Math.min(VUS_MAX, Math.ceil(RATE * 0.05 * 2) + 10);

export const options = {
  scenarios: {
    open_loop: {
      executor: 'constant-arrival-rate',
      rate: RATE,
      timeUnit: '1s',
      duration: __ENV.DURATION || '30s',
      preAllocatedVUs: VUS_READY,
      maxVUs: VUS_MAX,
    },
  },
  summaryTrendStats: TRENDS,
  thresholds: {
    ...NO_FAILURES,
    'dropped_iterations': ['count==0'],
    'http_req_duration{name:hello}': SHOWN,
    'http_req_duration{name:numbers}': SHOWN,
  },
};

export default function () {
  iteration(BASE_URL);
}
