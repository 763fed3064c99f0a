// The gateways' page: two cards, each a form that asks one route of the gateway it came from.
//
// In: <html data-gateway="grpc|rest">, written by the server. On grpc the numbers card asks for
// application/x-ndjson and shows each value as it comes; on rest the answer comes whole.
// Not done here: judging the input (the server does, and says why) and anything on another origin.
//
// Hooks for tests and scripts, the same on both gateways:
//   #lang button[lang]                   the language switch, aria-pressed on the chosen one
//   #name, #count, #delay                the fields; an empty field is left out of the request
//   #hello, #numbers                     the submit buttons (Enter in a field does the same)
//   #hello-cancel, #numbers-cancel       there while a call runs (Escape in the card does the same)
//   #hello-result, #numbers-result       data-phase: idle|running|done|failed|cancelled, aria-busy; inside:
//     .summary (role=status) .clock      what happened in words, and how long it took
//     .values li                         numbers only: the values that came, at most the last VALUES_SHOWN_MAX
//     .error (role=alert)                empty unless the call failed
//     .json                              the answer as indented JSON
//   #chain[data-active]                  a or b while that service is being called

const VALUES_SHOWN_MAX = 1000;
const RAW_ERROR_SHOWN_MAX = 500;
const LANGUAGE_KEY = 'pspd.language';

const streams = document.documentElement.dataset.gateway === 'grpc';

// ---------------------------------------------------------------- language

const texts = {
  'pt-BR': {
    running: 'Chamando…',
    waiting: 'Esperando a resposta inteira…',
    arriving: (n) => `${values(n)} até agora…`,
    answered: (n) => (n === undefined ? 'Respondido' : values(n)),
    firstAndAll: (first, all) => `primeiro ${first} · total ${all}`,
    cancelled: (n) => (n ? `Cancelado depois de ${values(n)}` : 'Cancelado'),
    failed: (n) => (n ? `Falhou depois de ${values(n)}` : 'Falhou'),
    value: 'valor',
    values: 'valores',
    earlier: (n) => `Mostrando os últimos ${count(VALUES_SHOWN_MAX)}; ${values(n)} antes destes.`,
    elided: (n) => `… ${values(n)} antes destes …`,
    network: 'O gateway não responde.',
    networkHint: 'Verifique se ele está no ar e se a rede chega até ele, e tente de novo.',
    broken: 'A resposta foi interrompida: o gateway deixou de responder no meio dela.',
    unreadable: 'A resposta não é JSON.',
    notANumber: (field) => `“${field}” não é um número.`,
    request: 'Requisição',
    status: {
      400: 'Um parâmetro foi recusado.',
      404: 'Esta rota não existe.',
      413: 'A resposta seria grande demais.',
      422: 'Um parâmetro foi recusado.',
      431: 'A requisição é longa demais.',
      429: 'Requisições demais.',
      500: 'O gateway falhou.',
      502: 'O serviço atrás do gateway falhou.',
      503: 'O serviço não está disponível agora.',
      504: 'O serviço não respondeu a tempo.',
    },
  },
  en: {
    running: 'Calling…',
    waiting: 'Waiting for the whole answer…',
    arriving: (n) => `${values(n)} so far…`,
    answered: (n) => (n === undefined ? 'Answered' : values(n)),
    firstAndAll: (first, all) => `first ${first} · total ${all}`,
    cancelled: (n) => (n ? `Cancelled after ${values(n)}` : 'Cancelled'),
    failed: (n) => (n ? `Failed after ${values(n)}` : 'Failed'),
    value: 'value',
    values: 'values',
    earlier: (n) => `Showing the last ${count(VALUES_SHOWN_MAX)}; ${values(n)} before these.`,
    elided: (n) => `… ${values(n)} before these …`,
    network: 'The gateway does not answer.',
    networkHint: 'See that it is running and that the network reaches it, then try again.',
    broken: 'The answer was cut short: the gateway stopped answering in the middle of it.',
    unreadable: 'The answer is not JSON.',
    notANumber: (field) => `“${field}” is not a number.`,
    request: 'Request',
    status: {
      400: 'A parameter was refused.',
      404: 'There is no such route.',
      413: 'The answer would be too large.',
      422: 'A parameter was refused.',
      431: 'The request is too long.',
      429: 'Too many requests.',
      500: 'The gateway failed.',
      502: 'The service behind the gateway failed.',
      503: 'The service is not available now.',
      504: 'The service did not answer in time.',
    },
  },
};

let language = 'pt-BR';
const t = () => texts[language];
const count = (n) => new Intl.NumberFormat(language).format(n);
const values = (n) => `${count(n)} ${n === 1 ? t().value : t().values}`;

function duration(ms, digits = ms < 10 ? 1 : 0) {
  const seconds = ms >= 1000;
  const places = seconds ? 2 : digits;
  const number = new Intl.NumberFormat(language, {
    minimumFractionDigits: places,
    maximumFractionDigits: places,
  });
  return `${number.format(seconds ? ms / 1000 : ms)} ${seconds ? 's' : 'ms'}`;
}

function preferredLanguage() {
  const wanted = [remembered(), ...(navigator.languages ?? [navigator.language])];
  for (const tag of wanted) {
    if (/^pt\b/i.test(tag ?? '')) return 'pt-BR';
    if (/^en\b/i.test(tag ?? '')) return 'en';
  }
  return 'en';
}

// Storage may be refused (private windows, blocked cookies): the switch then lasts as long as the page.
function remembered() {
  try {
    return localStorage.getItem(LANGUAGE_KEY);
  } catch {
    return null;
  }
}
function remember(chosen) {
  try {
    localStorage.setItem(LANGUAGE_KEY, chosen);
  } catch {
    /* not remembered */
  }
}

function speak(chosen) {
  language = chosen;
  document.documentElement.lang = chosen;
  document.title = `pspd · gateway ${streams ? 'P' : 'P-REST'}`;
  for (const element of document.querySelectorAll('[data-en]')) {
    element.dataset.pt ??= element.textContent;
    element.textContent = chosen === 'en' ? element.dataset.en : element.dataset.pt;
  }
  for (const element of document.querySelectorAll('[data-en-label]')) {
    element.dataset.ptLabel ??= element.getAttribute('aria-label');
    element.setAttribute('aria-label', chosen === 'en' ? element.dataset.enLabel : element.dataset.ptLabel);
  }
  for (const button of document.querySelectorAll('#lang button')) {
    button.setAttribute('aria-pressed', String(button.lang === chosen));
  }
}

// ---------------------------------------------------------------- one call

// A failure that is shown: kind is http, network, broken, unreadable or notANumber.
class Problem extends Error {
  constructor(kind, details = {}) {
    super(kind);
    Object.assign(this, { kind }, details);
  }
}

// Asks the gateway and tells `call` what comes: call.status, call.values as they arrive, call.body at the end.
async function ask(url, accept, call, signal) {
  let response;
  try {
    response = await fetch(url, { headers: { accept }, signal, cache: 'no-store' });
  } catch (error) {
    throw signal.aborted ? error : new Problem('network');
  }
  call.status = response.status;
  try {
    const lines =
      response.ok && (response.headers.get('content-type') ?? '').startsWith('application/x-ndjson');
    call.body = lines ? await gather(response, call) : await whole(response);
  } catch (error) {
    throw signal.aborted || error instanceof Problem ? error : new Problem('broken');
  }
  if (Array.isArray(call.body?.values)) call.values = call.body.values;
}

async function whole(response) {
  const text = await response.text();
  const body = parsed(text);
  if (!response.ok) throw refusal(response.status, body, text, response.headers.get('x-request-id'));
  if (body === undefined) throw new Problem('unreadable', { message: text.slice(0, RAW_ERROR_SHOWN_MAX) });
  return body;
}

// One JSON value a line, {"from":"B","value":1}; an {"error":...} line ends a stream that failed midway.
async function gather(response, call) {
  const body = { values: [] };
  call.values = body.values;
  for await (const line of linesOf(response.body)) {
    const item = parsed(line);
    if (item === undefined) throw new Problem('unreadable', { message: line.slice(0, RAW_ERROR_SHOWN_MAX) });
    if (item.error !== undefined)
      throw refusal(item.status, item, line, response.headers.get('x-request-id'));
    call.firstAfter ??= performance.now() - call.startedAt;
    body.values.push(item.value);
    if (body.from === undefined && item.from !== undefined) body.from = item.from;
  }
  return body.from === undefined ? body : { from: body.from, values: body.values };
}

async function* linesOf(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    const lines = (rest + (value ?? '')).split('\n');
    rest = done ? '' : lines.pop();
    for (const line of lines) if (line.trim() !== '') yield line;
    if (done) return;
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// Our gateways say {"error", "status", "request_id"}; a REST service's own refusal, passed on, has a `detail`.
function refusal(status, body, text, headerId) {
  const details = Array.isArray(body?.detail)
    ? body.detail.map((d) => `${(d.loc ?? []).join('.')}: ${d.msg}`).join('\n')
    : body?.detail;
  const message = body?.error ?? details ?? text.slice(0, RAW_ERROR_SHOWN_MAX);
  return new Problem('http', {
    status,
    message: typeof message === 'string' ? message : JSON.stringify(message),
    requestId: body?.request_id ?? headerId,
  });
}

// ---------------------------------------------------------------- a card

function card({ service, path, accept, fields, inWaiting }) {
  const at = (suffix) => document.getElementById(`${path.split('/').pop()}${suffix}`);
  const [form, submit, cancel, result] = [at('-form'), at(''), at('-cancel'), at('-result')];
  const part = (name) => result.querySelector(name);
  let call = { phase: 'idle' };
  let abort;

  async function run() {
    if (call.phase === 'running') return;
    const mine = { phase: 'running', startedAt: performance.now() };
    call = mine;
    abort = new AbortController();
    begin();
    try {
      await ask(target(), accept, mine, abort.signal);
      mine.phase = 'done';
    } catch (problem) {
      mine.phase = abort.signal.aborted ? 'cancelled' : 'failed';
      mine.problem = problem;
    }
    mine.elapsed = performance.now() - mine.startedAt;
    end();
  }

  // Fields as typed: an empty one is left out, so that the server's default shows; the rest is the server's to judge.
  function target() {
    const query = new URLSearchParams();
    for (const field of fields) {
      if (field.validity.badInput) throw new Problem('notANumber', { field: field.labels[0].textContent });
      if (field.value !== '') query.set(field.name, field.value);
    }
    return query.size === 0 ? path : `${path}?${query}`;
  }

  function begin() {
    document.getElementById('chain').dataset.active = service;
    part('.values')?.replaceChildren();
    shown = 0;
    draw();
    requestAnimationFrame(frame);
  }

  function end() {
    const chain = document.getElementById('chain');
    if (chain.dataset.active === service) delete chain.dataset.active;
    const leaving = document.activeElement === cancel;
    draw();
    if (leaving) submit.focus();
  }

  // While the call runs, once a frame: the clock, and the values that came since the last frame.
  function frame() {
    if (call.phase !== 'running') return;
    drawProgress();
    requestAnimationFrame(frame);
  }

  // Everything the card shows, from `call` and the language alone.
  function draw() {
    const running = call.phase === 'running';
    result.dataset.phase = call.phase;
    result.setAttribute('aria-busy', String(running));
    submit.setAttribute('aria-disabled', String(running));
    cancel.hidden = !running;
    part('.summary').textContent = summary();
    part('.error').replaceChildren(...(call.phase === 'failed' ? explain(call.problem) : []));
    const json = part('.json');
    json.hidden = call.phase !== 'done';
    json.textContent = call.phase === 'done' ? indented(call.body) : '';
    json.scrollTop = 0;
    drawProgress();
  }

  function summary() {
    const n = call.values?.length;
    switch (call.phase) {
      case 'running':
        return t()[inWaiting];
      case 'done':
        return `HTTP ${call.status} · ${t().answered(n)}`;
      case 'failed':
        return t().failed(n);
      case 'cancelled':
        return t().cancelled(n);
      default:
        return '';
    }
  }

  // The clock and the chips are no live region: read aloud sixty times a second they would say nothing.
  function drawProgress() {
    const clock = part('.clock');
    if (call.phase === 'idle') clock.textContent = '';
    else if (call.phase === 'running') {
      const tenths = duration(Math.floor((performance.now() - call.startedAt) / 100) * 100, 0);
      clock.textContent = call.values?.length ? `${t().arriving(call.values.length)} ${tenths}` : tenths;
    } else {
      const all = duration(call.elapsed);
      clock.textContent =
        call.firstAfter === undefined ? all : t().firstAndAll(duration(call.firstAfter), all);
    }
    if (part('.values')) drawValues(call.firstAfter === undefined ? [] : call.values);
  }

  let shown = 0;
  function drawValues(all) {
    const list = part('.values');
    list.hidden = all.length === 0;
    const from = Math.max(shown, all.length - VALUES_SHOWN_MAX);
    if (all.length > shown) {
      const fresh = document.createDocumentFragment();
      for (let i = from; i < all.length; i += 1) fresh.append(chip(all[i]));
      list.append(fresh);
      while (list.childElementCount > VALUES_SHOWN_MAX) list.firstElementChild.remove();
      list.scrollTop = list.scrollHeight;
      shown = all.length;
    }
    const earlier = part('.earlier');
    earlier.hidden = all.length <= VALUES_SHOWN_MAX;
    earlier.textContent = earlier.hidden ? '' : t().earlier(all.length - VALUES_SHOWN_MAX);
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    run();
  });
  cancel.addEventListener('click', () => abort?.abort());
  form.closest('section').addEventListener('keydown', (event) => {
    if (event.key === 'Escape') abort?.abort();
  });
  return { draw };
}

function chip(value) {
  const item = document.createElement('li');
  item.textContent = String(value);
  return item;
}

// Past VALUES_SHOWN_MAX values, the last ones and how many stand before them: 100,000 lines would stall the page.
function indented(body) {
  const hidden = (body?.values?.length ?? 0) - VALUES_SHOWN_MAX;
  if (!(hidden > 0)) return JSON.stringify(body, null, 2);
  const text = JSON.stringify({ ...body, values: body.values.slice(hidden) }, null, 2);
  return text.replace('"values": [\n', () => `"values": [\n    ${t().elided(hidden)}\n`);
}

function explain(problem) {
  const line = (className, text) =>
    Object.assign(document.createElement('p'), { className, textContent: text });
  switch (problem.kind) {
    case 'http': {
      const what = `HTTP ${problem.status ?? '?'} · ${t().status[problem.status] ?? ''}`;
      const lines = [line('what', what.replace(/ · $/, ''))];
      if (problem.message) lines.push(line('said', problem.message));
      if (problem.requestId) {
        const which = line('which', `${t().request} `);
        which.append(Object.assign(document.createElement('code'), { textContent: problem.requestId }));
        lines.push(which);
      }
      return lines;
    }
    case 'network':
      return [line('what', t().network), line('', t().networkHint)];
    case 'broken':
      return [line('what', t().broken), line('', t().networkHint)];
    case 'notANumber':
      return [line('what', t().notANumber(problem.field))];
    case 'unreadable':
      return [line('what', t().unreadable), line('said', problem.message)];
    default:
      return [line('what', String(problem))];
  }
}

// ---------------------------------------------------------------- the page

const field = (id) => document.getElementById(id);
speak(preferredLanguage());
const cards = [
  card({
    service: 'a',
    path: '/a/hello',
    accept: 'application/json',
    fields: [field('name')],
    inWaiting: 'running',
  }),
  card({
    service: 'b',
    path: '/b/numbers',
    fields: [field('count'), field('delay')],
    accept: streams ? 'application/x-ndjson' : 'application/json',
    inWaiting: streams ? 'running' : 'waiting',
  }),
];
field('lang').addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (!button) return;
  speak(button.lang);
  remember(button.lang);
  cards.forEach((each) => each.draw());
});
