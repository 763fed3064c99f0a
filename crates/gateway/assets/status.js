// The status page: asks /status.json every two seconds and shows what came since half a minute ago.
//
// In: totals and buckets of times, for each upstream and route, since the gateway's start; bounds in seconds, the last
// bucket being what is above all of them. Out: rates, percentiles and failures. A total that has shrunk is another
// process: what was seen before is forgotten.
//
// Hooks for tests and scripts:
//   #lang button[lang]          the language switch
//   #live[data-state]           asking|live|lost
//   .upstream[data-name][data-up]  a service; inside .rate, .p50, .p99, .failed, .in-flight, .connections
//   #routes tbody tr[data-name]    a route; its cells in the order of the head

const EVERY_MS = 2000;
const WINDOW_MS = 30000;
const LANGUAGE_KEY = 'pspd.language';
const SVG = 'http://www.w3.org/2000/svg';

const texts = {
  'pt-BR': {
    live: 'Ao vivo, a cada dois segundos.',
    lost: 'O gateway não responde. Tentando de novo…',
    up: 'no ar',
    down: 'fora do ar',
    of: (available, all) => `${available} de ${all} no ar`,
    labels: ['por segundo', 'p50', 'p99', 'falhas', 'em curso', 'conexões'],
    total: 'no total',
    rateOverTime: 'Chamadas por segundo ao longo do tempo',
  },
  en: {
    live: 'Live, every two seconds.',
    lost: 'The gateway does not answer. Trying again…',
    up: 'up',
    down: 'down',
    of: (available, all) => `${available} of ${all} up`,
    labels: ['per second', 'p50', 'p99', 'failed', 'in flight', 'connections'],
    total: 'in all',
    rateOverTime: 'Calls per second over time',
  },
};

let language = preferred();
let samples = [];
let history = new Map();
let state = 'asking';

function preferred() {
  let kept = null;
  try {
    kept = localStorage.getItem(LANGUAGE_KEY);
  } catch {
    // Storage may be refused; the browser's languages decide then.
  }
  for (const tag of [kept, ...(navigator.languages ?? [])]) {
    if (/^pt\b/i.test(tag ?? '')) return 'pt-BR';
    if (/^en\b/i.test(tag ?? '')) return 'en';
  }
  return 'en';
}

// ---------------------------------------------------------------- figures

const number = (n, digits = 0) =>
  new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(n);

function time(seconds, isBeyond) {
  if (seconds === null) return '–';
  const text = seconds >= 1 ? `${number(seconds, 2)} s` : `${number(seconds * 1000, seconds < 0.01 ? 2 : 0)} ms`;
  return isBeyond ? `> ${text}` : text;
}

function percentile(buckets, bounds, share) {
  const all = buckets.reduce((sum, n) => sum + n, 0);
  if (all === 0) return '–';
  let below = 0;
  for (let i = 0; i < bounds.length; i++) {
    if (below + buckets[i] >= share * all) {
      const from = i === 0 ? 0 : bounds[i - 1];
      return time(from + ((share * all - below) / buckets[i]) * (bounds[i] - from), false);
    }
    below += buckets[i];
  }
  return time(bounds.at(-1), true);
}

// What came between two samples of the same thing.
function since(now, before, seconds, bounds) {
  const none = { total: 0, failed: 0, buckets: now.buckets.map(() => 0) };
  const then = before ?? none;
  const total = now.total - then.total;
  const buckets = now.buckets.map((n, i) => n - (then.buckets[i] ?? 0));
  const failed = now.failed - then.failed;
  return {
    rate: seconds > 0 ? total / seconds : 0,
    p50: percentile(buckets, bounds, 0.5),
    p99: percentile(buckets, bounds, 0.99),
    failed: total === 0 ? '–' : `${number((100 * failed) / total, 2)} %`,
    isFailing: failed > 0,
  };
}

// ---------------------------------------------------------------- showing

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith('data-') || key === 'scope') made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

function sparkline(rates) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 100 24');
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', texts[language].rateOverTime);
  const most = Math.max(...rates, 1e-9);
  const step = 100 / Math.max(rates.length - 1, 1);
  const points = rates.map((rate, i) => `${(i * step).toFixed(1)},${(23 - (22 * rate) / most).toFixed(1)}`);
  const line = document.createElementNS(SVG, 'polyline');
  line.setAttribute('points', points.join(' '));
  svg.append(line);
  return svg;
}

function upstream(name, now, figures) {
  const t = texts[language];
  const health =
    now.endpoints > 1 ? t.of(number(now.available), number(now.endpoints)) : now.up ? t.up : t.down;
  const cells = [
    ['rate', number(figures.rate, 1)],
    ['p50', figures.p50],
    ['p99', figures.p99],
    ['failed', figures.failed],
    ['in-flight', number(now.in_flight)],
    ['connections', now.connections === null ? '–' : number(now.connections)],
  ].map(([kind, text], i) => {
    const failing = kind === 'failed' && figures.isFailing ? ' failing' : '';
    return element(
      'div',
      {},
      element('dt', { textContent: t.labels[i] }),
      element('dd', { className: kind + failing, textContent: text }),
    );
  });
  return element(
    'article',
    { className: 'upstream', 'data-name': name, 'data-up': String(now.up) },
    element('h3', {}, name, element('span', { className: 'health', textContent: health })),
    element('dl', {}, ...cells),
    sparkline(history.get(name) ?? [0]),
  );
}

function route(now, figures) {
  const t = texts[language];
  const texts5 = [number(figures.rate, 1), figures.p50, figures.p99, figures.failed, number(now.total)];
  const labels = [...t.labels.slice(0, 4), t.total];
  const cells = texts5.map((text, i) =>
    element('td', {
      textContent: text,
      'data-label': labels[i],
      className: i === 3 && figures.isFailing ? 'failing' : '',
    }),
  );
  return element('tr', { 'data-name': now.name }, element('th', { scope: 'row', textContent: now.name }), ...cells);
}

function show() {
  for (const node of document.querySelectorAll('[data-en]')) {
    node.dataset.pt ??= node.textContent;
    if (node.id !== 'live') node.textContent = language === 'en' ? node.dataset.en : node.dataset.pt;
  }
  document.documentElement.lang = language;
  for (const button of document.querySelectorAll('#lang button')) {
    button.setAttribute('aria-pressed', String(button.lang === language));
  }
  const live = document.getElementById('live');
  live.dataset.state = state;
  const said = state === 'asking' ? (language === 'en' ? live.dataset.en : live.dataset.pt) : texts[language][state];
  // Said again only when it is something else: screen readers read it aloud.
  if (live.textContent !== said) live.textContent = said;
  const last = samples.at(-1);
  if (!last) return;
  const first = samples[0];
  const seconds = (last.at - first.at) / 1000;
  const { told } = last;
  for (const total of ['active', 'connections', 'shed']) {
    document.getElementById(total).textContent = number(told[total]);
  }
  const upstreams = Object.entries(told.upstreams).map(([name, now]) =>
    upstream(name, now, since(now, first.told.upstreams[name], seconds, told.bounds)),
  );
  document.getElementById('upstreams').replaceChildren(...upstreams);
  const before = new Map(first.told.routes.map((known) => [known.name, known]));
  const routes = told.routes.map((now) => route(now, since(now, before.get(now.name), seconds, told.bounds)));
  document.querySelector('#routes tbody').replaceChildren(...routes);
  document.getElementById('routes').hidden = routes.length === 0;
  document.getElementById('no-routes').hidden = routes.length > 0;
}

// ---------------------------------------------------------------- asking

const totalOf = (told) => Object.values(told.upstreams).reduce((sum, one) => sum + one.total, 0);

function take(told) {
  const at = performance.now();
  const previous = samples.at(-1);
  if (previous && totalOf(told) < totalOf(previous.told)) {
    samples = [];
    history = new Map();
  } else if (previous) {
    for (const [name, now] of Object.entries(told.upstreams)) {
      const then = previous.told.upstreams[name]?.total ?? 0;
      const rates = history.get(name) ?? [];
      rates.push(Math.max(0, now.total - then) / ((at - previous.at) / 1000));
      history.set(name, rates.slice(-60));
    }
  }
  samples.push({ at, told });
  samples = samples.filter((sample) => at - sample.at <= WINDOW_MS);
}

async function ask() {
  try {
    const answer = await fetch('/status.json', { cache: 'no-store' });
    if (!answer.ok) throw new Error(String(answer.status));
    take(await answer.json());
    state = 'live';
  } catch {
    state = 'lost';
  }
  show();
  setTimeout(ask, EVERY_MS);
}

document.getElementById('lang').addEventListener('click', (event) => {
  const chosen = event.target.closest('button[lang]');
  if (!chosen) return;
  language = chosen.lang;
  try {
    localStorage.setItem(LANGUAGE_KEY, language);
  } catch {
    // Not kept, then.
  }
  show();
});
show();
ask();
