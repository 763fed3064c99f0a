// The published closed loop on one chain: each user asks for a greeting, then for
// ten numbers, as soon as the answer before is there.
//
//   k6 run load/k6/chain.js                                    the gRPC chain
//   k6 run -e BASE_URL=http://127.0.0.1:8081 load/k6/chain.js  the REST chain
//
// VUS (100) and DURATION (30s) may be set in the same way.
import { iteration, TRENDS, SHOWN, NO_FAILURES } from './iteration.js';

const BASE_URL = __ENV.BASE_URL || 'http://127.0.0.1:8080';

export const options = {
  vus: Number(__ENV.VUS || 100),
  duration: __ENV.DURATION || '30s',
  summaryTrendStats: TRENDS,
  thresholds: {
    ...NO_FAILURES,
    'http_req_duration{name:hello}': SHOWN,
    'http_req_duration{name:numbers}': SHOWN,
  },
};

export default function () {
  iteration(BASE_URL);
}
