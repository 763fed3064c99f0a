// The published user counts one after the other, 25 to 3,200, each a scenario with
// figures of its own. Every step ends before the next begins.
//
//   k6 run -e BASE_URL=http://127.0.0.1:8081 load/k6/ramp.js
//
// USERS (25,50,...) and DURATION (30s, of each step) may be set in the same way. k6
// keeps a JavaScript engine for each user; with 3,200 it took about 0.9 GB.
import { iteration, TRENDS, SHOWN, NO_FAILURES } from './iteration.js';

const BASE_URL = __ENV.BASE_URL || 'http://127.0.0.1:8080';
const USERS = (__ENV.USERS || '25,50,100,200,400,800,1600,3200').split(',').map(Number);
const SECONDS = Number((__ENV.DURATION || '30s').replace(/s$/, ''));
// For answers that are still under way when a step ends.
const PAUSE_SECONDS = 10;

const scenarios = {};
const thresholds = { ...NO_FAILURES };
USERS.forEach((users, step) => {
  const name = `users_${users}`;
  scenarios[name] = {
    executor: 'constant-vus',
    vus: users,
    duration: `${SECONDS}s`,
    startTime: `${step * (SECONDS + PAUSE_SECONDS)}s`,
    gracefulStop: `${PAUSE_SECONDS}s`,
  };
  thresholds[`http_req_duration{scenario:${name}}`] = SHOWN;
});

export const options = { scenarios, thresholds, summaryTrendStats: TRENDS };

export default function () {
  iteration(BASE_URL);
}
