// The gateways' page: four cards, one for each kind of call, each a form that asks one route of the gateway it
// came from.
//
// In: <html data-gateway="grpc|rest">, written by the server. On grpc the numbers card asks for
// application/x-ndjson and shows each value as it comes, the statistics card sends its numbers as NDJSON, and the
// echo card talks over a WebSocket; on rest the answer comes whole, and the last two stay as they are: disabled.
// Not done here: judging the input (the server does, and says why) and anything on another origin.
//
// Hooks for tests and scripts, the same on both gateways:
//   #lang button[lang]                   the language switch, aria-pressed on the chosen one
//   #name, #count, #delay                the fields; an empty field is left out of the request
//   #samples, #text                      the numbers to send, and the message to say
//   #hello, #numbers, #statistics, #echo the submit buttons (Enter in a field does the same)
//   #echo-end                            there while the conversation goes on: says that this was all
//   #...-cancel                          there while a call runs (Escape in the card does the same)
//   #...-result                          data-phase: idle|running|done|failed|cancelled, aria-busy; inside:
//     .summary (role=status) .clock      what happened in words, and how long it took
//     .values li                         numbers only: the values that came, at most the last VALUES_SHOWN_MAX
//     .talk li                           echo only: the answers that came, with the totals so far
//     .error (role=alert)                empty unless the call failed
//     .json                              the answer as indented JSON; of echo, the final status
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
    cancelled: (what) => (what ? `Cancelado depois de ${what}` : 'Cancelado'),
    failed: (what) => (what ? `Falhou depois de ${what}` : 'Falhou'),
    connecting: 'Abrindo a conversa…',
    talking: (n) => `Conversa aberta · ${answers(n)}`,
    ending: (n) => `Encerrando… · ${answers(n)}`,
    ended: (n) => `OK · ${answers(n)}`,
    totals: (messages, bytes) =>
      `${count(messages)} ${messages === 1 ? 'mensagem' : 'mensagens'} · ${count(bytes)} ${bytes === 1 ? 'byte' : 'bytes'}`,
    answer: 'resposta',
    answers: 'respostas',
    earlierAnswers: (n) => `Mostrando as últimas ${count(VALUES_SHOWN_MAX)}; ${answers(n)} antes destas.`,
    notOpened: 'A conversa não foi aberta: o gateway não aceitou o WebSocket.',
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
    cancelled: (what) => (what ? `Cancelled after ${what}` : 'Cancelled'),
    failed: (what) => (what ? `Failed after ${what}` : 'Failed'),
    connecting: 'Opening the conversation…',
    talking: (n) => `Conversation open · ${answers(n)}`,
    ending: (n) => `Ending… · ${answers(n)}`,
    ended: (n) => `OK · ${answers(n)}`,
    totals: (messages, bytes) =>
      `${count(messages)} ${messages === 1 ? 'message' : 'messages'} · ${count(bytes)} ${bytes === 1 ? 'byte' : 'bytes'}`,
    answer: 'answer',
    answers: 'answers',
    earlierAnswers: (n) => `Showing the last ${count(VALUES_SHOWN_MAX)}; ${answers(n)} before these.`,
    notOpened: 'The conversation was not opened: the gateway did not take the WebSocket.',
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
const answers = (n) => `${count(n)} ${n === 1 ? t().answer : t().answers}`;

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

// A failure that is shown: kind is http, network, notOpened, broken, status, unreadable or notANumber.
class Problem extends Error {
  constructor(kind, details = {}) {
    super(kind);
    Object.assign(this, { kind }, details);
  }
}

// Asks the gateway and tells `call` what comes: call.status, call.values as they arrive, call.body at the end.
async function ask({ url, headers, ...init }, accept, call, signal) {
  let response;
  try {
    response = await fetch(url, { headers: { accept, ...headers }, ...init, signal, cache: 'no-store' });
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

function card({ service, path, accept, fields, inWaiting, request }) {
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
      await ask(request ? request(path) : { url: target() }, accept, mine, abort.signal);
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
        return t().failed(n && values(n));
      case 'cancelled':
        return t().cancelled(n && values(n));
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

// The numbers as typed, one JSON message a line. A comma is a decimal sign, as in Portuguese, and stands in for
// one in English when nothing but the number is there.
function lines(field) {
  const numbers = field.value.split(/[\s;]+/).map((text) => text.replace(/,$/, ''));
  const messages = numbers
    .filter((text) => text !== '')
    .map((text) => {
      const value = Number(text.replace(',', '.'));
      if (!Number.isFinite(value)) throw new Problem('notANumber', { field: text });
      return `${JSON.stringify({ value })}\n`;
    });
  return messages.join('');
}

// ---------------------------------------------------------------- a conversation

// One call that lasts: opened by the first message, ended by an empty frame, told of at its end by a status.
function conversation({ service, path, field }) {
  const at = (suffix) => document.getElementById(`echo${suffix}`);
  const [form, submit, end, cancel, result] = [at('-form'), at(''), at('-end'), at('-cancel'), at('-result')];
  const part = (name) => result.querySelector(name);
  let call = { phase: 'idle' };

  function say() {
    if (call.phase !== 'running') open();
    else if (call.ending) return;
    const message = JSON.stringify({ text: field.value });
    if (call.unsent) call.unsent.push(message);
    else call.socket.send(message);
    field.select();
  }

  function open() {
    const mine = { phase: 'running', startedAt: performance.now(), answers: 0, unsent: [] };
    call = mine;
    part('.talk').replaceChildren();
    document.getElementById('chain').dataset.active = service;
    mine.socket = new WebSocket(new URL(path, location.href.replace(/^http/, 'ws')));
    mine.socket.addEventListener('open', () => {
      mine.unsent.forEach((message) => mine.socket.send(message));
      delete mine.unsent;
      draw();
    });
    mine.socket.addEventListener('message', (event) => hear(mine, event.data));
    mine.socket.addEventListener('close', (event) => close(mine, event));
    draw();
    requestAnimationFrame(frame);
  }

  function hear(mine, data) {
    if (mine.phase !== 'running') return;
    const message = parsed(data);
    if (message === undefined) {
      finish(mine, 'failed', new Problem('unreadable', { message: String(data).slice(0, RAW_ERROR_SHOWN_MAX) }));
    } else if (message['@status'] !== undefined) {
      mine.body = message;
    } else {
      mine.answers += 1;
      show(message);
      drawCounts();
    }
  }

  function close(mine, { code, reason }) {
    if (mine.phase !== 'running') return;
    const status = mine.body?.['@status'];
    if (status?.code === 0) finish(mine, 'done');
    else if (mine.unsent) finish(mine, 'failed', new Problem('notOpened'));
    else if (status || code > 4000) {
      const [name, ...said] = reason.split(': ');
      const message = status?.message || said.join(': ');
      finish(mine, 'failed', new Problem('status', { code: status?.code ?? code - 4000, name, message }));
    } else finish(mine, 'failed', new Problem('broken'));
  }

  function finish(mine, phase, problem) {
    Object.assign(mine, { phase, problem, elapsed: performance.now() - mine.startedAt });
    mine.socket.close();
    const chain = document.getElementById('chain');
    if (chain.dataset.active === service) delete chain.dataset.active;
    const leaving = [end, cancel].includes(document.activeElement);
    draw();
    if (leaving) field.focus();
  }

  // Says that this was all; the answers that are still to come, do.
  function hangUp() {
    if (call.phase !== 'running' || call.ending) return;
    call.ending = true;
    if (call.unsent) call.unsent.push('');
    else call.socket.send('');
    const leaving = document.activeElement === end;
    draw();
    if (leaving) field.focus();
  }

  function frame() {
    if (call.phase !== 'running') return;
    drawClock();
    requestAnimationFrame(frame);
  }

  function show({ text, messages, bytes }) {
    const piece = (className, textContent) =>
      Object.assign(document.createElement('span'), { className, textContent });
    const item = document.createElement('li');
    // 64-bit numbers are texts in the JSON of protobuf.
    const totals = piece('totals', '');
    Object.assign(totals.dataset, { messages, bytes });
    item.append(piece('text', text ?? ''), totals);
    const list = part('.talk');
    list.append(item);
    if (list.childElementCount > VALUES_SHOWN_MAX) list.firstElementChild.remove();
    speakTotals(totals);
    list.hidden = false;
    list.scrollTop = list.scrollHeight;
  }

  function speakTotals(element) {
    const { messages, bytes } = element.dataset;
    element.textContent = t().totals(Number(messages), Number(bytes));
  }

  function draw() {
    const running = call.phase === 'running';
    result.dataset.phase = call.phase;
    result.setAttribute('aria-busy', String(running));
    submit.setAttribute('aria-disabled', String(Boolean(running && call.ending)));
    [end.hidden, cancel.hidden] = [!running || Boolean(call.ending), !running];
    part('.talk').querySelectorAll('.totals').forEach(speakTotals);
    part('.talk').hidden = !part('.talk').childElementCount;
    drawCounts();
    part('.error').replaceChildren(...(call.phase === 'failed' ? explain(call.problem) : []));
    const json = part('.json');
    json.hidden = call.body === undefined;
    json.textContent = call.body === undefined ? '' : JSON.stringify(call.body, null, 2);
    drawClock();
  }

  function drawCounts() {
    part('.summary').textContent = summary();
    const earlier = (call.answers ?? 0) - VALUES_SHOWN_MAX;
    part('.earlier').hidden = !(earlier > 0);
    part('.earlier').textContent = earlier > 0 ? t().earlierAnswers(earlier) : '';
  }

  function summary() {
    const n = call.answers;
    switch (call.phase) {
      case 'running':
        if (call.ending) return t().ending(n);
        return call.unsent ? t().connecting : t().talking(n);
      case 'done':
        return t().ended(n);
      case 'failed':
        return t().failed(n && answers(n));
      case 'cancelled':
        return t().cancelled(n && answers(n));
      default:
        return '';
    }
  }

  function drawClock() {
    const running = call.phase === 'running' && performance.now() - call.startedAt;
    const clock = part('.clock');
    if (call.phase === 'idle') clock.textContent = '';
    else clock.textContent = running === false ? duration(call.elapsed) : duration(Math.floor(running / 100) * 100, 0);
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    say();
  });
  end.addEventListener('click', hangUp);
  const leave = () => {
    if (call.phase === 'running') finish(call, 'cancelled');
  };
  cancel.addEventListener('click', leave);
  form.closest('section').addEventListener('keydown', (event) => {
    if (event.key === 'Escape') leave();
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
    case 'status': {
      const lines = [line('what', `gRPC ${problem.code} · ${problem.name}`)];
      if (problem.message) lines.push(line('said', problem.message));
      return lines;
    }
    case 'notOpened':
      return [line('what', t().notOpened), line('', t().networkHint)];
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
// REST has no call like these: there they stay disabled, as the page comes.
if (streams) {
  for (const id of ['samples', 'statistics', 'text', 'echo']) field(id).disabled = false;
  cards.push(
    card({
      service: 'b',
      path: '/b/statistics',
      accept: 'application/json',
      fields: [],
      inWaiting: 'running',
      request: (url) => ({
        url,
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body: lines(field('samples')),
      }),
    }),
    conversation({ service: 'b', path: '/b/echo', field: field('text') }),
  );
}
field('lang').addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (!button) return;
  speak(button.lang);
  remember(button.lang);
  cards.forEach((each) => each.draw());
});
