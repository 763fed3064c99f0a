// What a user of the published experiment repeats, and how a summary of it reads.
// Shared by the scripts beside it.
import http from 'k6/http';

export function iteration(baseUrl) {
  http.get(`${baseUrl}/a/hello?name=pspd`, { tags: { name: 'hello' } });
  http.get(`${baseUrl}/b/numbers?count=10&delay_ms=5`, { tags: { name: 'numbers' } });
}

// The percentiles that `pspd lab` reports too.
export const TRENDS = ['count', 'avg', 'p(50)', 'p(90)', 'p(95)', 'p(99)', 'p(99.9)', 'max'];

// A threshold gives its metric a line of its own in the summary; this one always holds.
export const SHOWN = ['max>=0'];

// A refused connection or a 503 is answered fast, and is no fast answer.
export const NO_FAILURES = { http_req_failed: ['rate==0'] };
