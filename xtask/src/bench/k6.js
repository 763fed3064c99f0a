// One URL, as often as it is answered, with as little else as k6 allows: bodies are
// not kept. The summary goes to the file SUMMARY and nowhere else.
import http from 'k6/http';

export const options = {
  vus: Number(__ENV.VUS),
  duration: __ENV.DURATION,
  discardResponseBodies: true,
  summaryTrendStats: ['count', 'p(50)', 'p(99)'],
};

export default function () {
  http.get(__ENV.URL);
}

export function handleSummary(data) {
  return { [__ENV.SUMMARY]: JSON.stringify(data) };
}
