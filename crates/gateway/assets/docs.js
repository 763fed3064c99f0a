// The documentation of the gateway's routes, made from /openapi.json with no network besides.
//
// In: the document. Out: the operations by service, each with its parameters and types, and a form that makes the
// call; what comes is shown while it comes. Text of the document is set as text, never as HTML. An operation is
// drawn when it is opened, so that thousands of them cost nothing. Not done here: WebSockets, files as bodies.
//
// Hooks for tests: .tag[data-tag], .operation[data-method][data-path] (a details), inside it form, [name=PARAMETER],
// [name="$body"], select[name="$accept"], button[type=submit], .cancel, .result .status, .result pre, [role=alert];
// #filter, #found, #headers; #error when the document cannot be read.

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];
const LANGUAGE_KEY = 'pspd.language';
// What is shown of an answer; more is counted.
const SHOWN_MAX = 1_000_000;
// Members inside of each other that an example body has.
const EXAMPLE_DEPTH_MAX = 4;

// ---------------------------------------------------------------- language

const texts = {
  'pt-BR': {
    parameters: 'Parâmetros',
    body: 'Corpo',
    answer: 'Resposta',
    errors: 'Erros',
    tryIt: 'Experimentar',
    send: 'Enviar',
    cancel: 'Cancelar',
    required: 'obrigatório',
    optional: 'opcional',
    deprecated: 'em desuso',
    readOnly: 'só em respostas',
    writeOnly: 'só em pedidos',
    accept: 'Forma da resposta',
    bodyType: 'Tipo do corpo',
    list: 'um por linha',
    map: 'chave=valor, um por linha',
    unset: '(sem valor)',
    running: 'Chamando…',
    arriving: 'Chegando…',
    cancelled: 'Cancelado',
    headers: 'Cabeçalhos da resposta',
    empty: '(sem corpo)',
    cut: 'O resto não é mostrado.',
    bytes: 'bytes',
    'unary': 'unária',
    'server-streaming': 'fluxo de respostas',
    'client-streaming': 'fluxo de pedidos',
    'bidirectional': 'bidirecional',
    others: 'Outras rotas, que OpenAPI não descreve',
    found: (n) => `${n} chamadas`,
    badHeader: (line) => `“${line}” não é um cabeçalho; escreva nome: valor.`,
    missing: (name) => `“${name}” é obrigatório.`,
    network: 'O gateway não responde. Verifique se ele está no ar e tente de novo.',
    broken: 'A resposta foi interrompida.',
    unreadable: (why) => `O documento não pode ser lido (${why}); abra /openapi.json.`,
  },
  en: {
    parameters: 'Parameters',
    body: 'Body',
    answer: 'Answer',
    errors: 'Errors',
    tryIt: 'Try it',
    send: 'Send',
    cancel: 'Cancel',
    required: 'required',
    optional: 'optional',
    deprecated: 'deprecated',
    readOnly: 'in answers only',
    writeOnly: 'in requests only',
    accept: 'Form of the answer',
    bodyType: 'Type of the body',
    list: 'one a line',
    map: 'key=value, one a line',
    unset: '(no value)',
    running: 'Calling…',
    arriving: 'Arriving…',
    cancelled: 'Cancelled',
    headers: 'Headers of the answer',
    empty: '(no body)',
    cut: 'The rest is not shown.',
    bytes: 'bytes',
    'unary': 'unary',
    'server-streaming': 'stream of answers',
    'client-streaming': 'stream of requests',
    'bidirectional': 'bidirectional',
    others: 'Other routes, which OpenAPI does not describe',
    found: (n) => `${n} calls`,
    badHeader: (line) => `“${line}” is no header; write name: value.`,
    missing: (name) => `“${name}” is required.`,
    network: 'The gateway does not answer. See that it is running and try again.',
    broken: 'The answer was cut short.',
    unreadable: (why) => `The document cannot be read (${why}); open /openapi.json.`,
  },
};

let language = 'pt-BR';
const t = (key) => texts[language][key];

function preferredLanguage() {
  let remembered = null;
  try {
    remembered = localStorage.getItem(LANGUAGE_KEY);
  } catch {
    /* storage may be refused */
  }
  for (const tag of [remembered, ...(navigator.languages ?? [])]) {
    if (/^pt\b/i.test(tag ?? '')) return 'pt-BR';
    if (/^en\b/i.test(tag ?? '')) return 'en';
  }
  return 'en';
}

// Static texts carry their English beside them, ours their key.
function speak(chosen) {
  language = chosen;
  document.documentElement.lang = chosen;
  for (const element of document.querySelectorAll('[data-en]')) {
    element.dataset.pt ??= element.textContent;
    element.textContent = chosen === 'en' ? element.dataset.en : element.dataset.pt;
  }
  for (const element of document.querySelectorAll('[data-en-label]')) {
    element.dataset.ptLabel ??= element.getAttribute('aria-label');
    element.setAttribute('aria-label', chosen === 'en' ? element.dataset.enLabel : element.dataset.ptLabel);
  }
  for (const element of document.querySelectorAll('[data-t]')) element.textContent = t(element.dataset.t);
  for (const button of document.querySelectorAll('#lang button'))
    button.setAttribute('aria-pressed', String(button.lang === chosen));
}

// ---------------------------------------------------------------- elements

function el(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// An element whose text is one of ours, and changes with the language.
function said(tag, key, properties = {}) {
  const element = el(tag, { ...properties, textContent: t(key) });
  element.dataset.t = key;
  return element;
}

const byId = (id) => document.getElementById(id);

// ---------------------------------------------------------------- the document

let api = {};

// Follows a reference inside the document; one that leads nowhere, or in a circle, is shown as it stands.
function resolve(node) {
  let at = node;
  for (let hops = 0; typeof at?.$ref === 'string' && at.$ref.startsWith('#/') && hops < 16; hops += 1) {
    const keys = at.$ref
      .slice(2)
      .split('/')
      .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
    const { $ref: _, ...beside } = at;
    const target = keys.reduce((inside, key) => inside?.[key], api);
    if (target === undefined) return at;
    at = { ...target, ...beside };
  }
  return at ?? {};
}

// Without the choice of null, which says no more than that a member may be left out.
function plain(schema) {
  const inner = schema?.anyOf?.find((one) => one.type !== 'null');
  const isNullable = inner && schema.anyOf.some((one) => one.type === 'null');
  const { anyOf: _, ...beside } = schema ?? {};
  return isNullable ? { ...inner, ...beside } : (schema ?? {});
}

const nameOf = (reference) => reference.split('/').pop();
const shortNameOf = (reference) => nameOf(reference).split('.').pop();

function typeOf(given) {
  const schema = plain(given);
  if (schema.$ref) return shortNameOf(schema.$ref);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.allOf && !schema.properties) return schema.allOf.map(typeOf).join(' + ');
  const types = [schema.type ?? []].flat().filter((type) => type !== 'null');
  if (types.includes('array')) return `${typeOf(schema.items ?? {})}[]`;
  if (schema.additionalProperties?.type || schema.additionalProperties?.$ref)
    return `map: ${typeOf(schema.additionalProperties)}`;
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.anyOf?.some((one) => one.type)) return schema.anyOf.map(typeOf).join(' | ');
  const format = schema.format ?? (schema.contentEncoding && 'base64');
  return [types.join(' | ') || 'JSON', format && `(${format})`].filter(Boolean).join(' ');
}

// What can be looked into: the properties of an object, of an array's items, of a map's values.
function insides(given) {
  const schema = resolve(plain(given));
  if (schema.properties) return schema;
  if (schema.allOf) {
    const parts = schema.allOf.map(insides).filter(Boolean);
    if (parts.length === 0) return undefined;
    return {
      properties: Object.assign({}, ...parts.map((part) => part.properties)),
      required: parts.flatMap((part) => part.required ?? []),
    };
  }
  if (schema.items) return insides(schema.items);
  if (typeof schema.additionalProperties === 'object') return insides(schema.additionalProperties);
  return schema.anyOf?.some((one) => one.enum) ? schema : undefined;
}

// ---------------------------------------------------------------- types

function marks(schema, isRequired) {
  const marked = [];
  if (isRequired) marked.push(said('span', 'required', { className: 'must' }));
  for (const mark of ['deprecated', 'readOnly', 'writeOnly'])
    if (schema[mark]) marked.push(said('span', mark, { className: 'badge' }));
  return marked.flatMap((mark) => [' ', mark]);
}

function text(description) {
  return description ? [el('p', { className: 'text', lang: 'en', textContent: description })] : [];
}

// A member: its name, its type, what is said of it, and what is in it once it is opened.
function member(name, schema, isRequired) {
  const head = [
    el('code', { textContent: name }),
    ' ',
    el('span', { className: 'type', textContent: typeOf(schema) }),
    ...marks(schema, isRequired),
  ];
  const inside = insides(schema);
  const described = text(schema.description);
  if (!inside) return el('li', {}, ...head, ...described);
  const details = el('details', {}, el('summary', {}, ...head));
  details.addEventListener('toggle', () => details.append(members(inside)), { once: true });
  return el('li', {}, details, ...described);
}

function members(schema) {
  const list = el('ul', { className: 'schema' });
  for (const choice of schema.anyOf ?? []) for (const value of choice.enum ?? []) list.append(el('li', {}, el('code', { textContent: value })));
  for (const [name, inner] of Object.entries(schema.properties ?? {}))
    list.append(member(name, inner, schema.required?.includes(name)));
  return list;
}

function typed(schema) {
  const inside = insides(schema);
  const shown = el('div', {}, el('span', { className: 'type', textContent: typeOf(schema) }));
  shown.append(...text(resolve(plain(schema)).description));
  if (inside) shown.append(members(inside));
  return shown;
}

// ---------------------------------------------------------------- an operation

function operation(path, item, method) {
  const described = item[method];
  const kind = described['x-grpc-kind'] ?? 'unary';
  const details = el(
    'details',
    { className: 'operation', id: described.operationId ?? '' },
    el(
      'summary',
      {},
      el('span', { className: 'method', textContent: method.toUpperCase() }),
      el('span', { className: 'path', textContent: path }),
      kind === 'unary' ? '' : said('span', kind, { className: 'badge' }),
      el('span', { className: 'summary', lang: 'en', textContent: described.summary ?? '' }),
    ),
  );
  Object.assign(details.dataset, { method, path });
  if (described.deprecated) details.dataset.deprecated = '';
  details.addEventListener('toggle', () => details.append(inside(path, item, method)), { once: true });
  return details;
}

function inside(path, item, method) {
  const described = item[method];
  const shared = (item.parameters ?? []).map(resolve);
  const own = (described.parameters ?? []).map(resolve);
  const parameters = own.filter((parameter) => ['path', 'query'].includes(parameter.in));
  const body = resolve(described.requestBody);
  const answer = resolve(described.responses?.['200']);
  const section = el('div', { className: 'inside' }, ...text(described.description));
  section.append(el('p', { className: 'soft' }, 'gRPC ', el('code', { textContent: described['x-grpc-method'] ?? '' }), ...marks(described)));
  if (parameters.length > 0) {
    const list = el('ul', { className: 'schema parameters' });
    for (const one of parameters) {
      const schema = { ...schemaOf(one), description: one.description, deprecated: one.deprecated };
      list.append(member(one.name, schema, one.required));
    }
    section.append(said('h3', 'parameters'), list);
  }
  const bodySchema = itemOf(body.content);
  if (bodySchema) section.append(said('h3', 'body'), typed(bodySchema));
  const answerSchema = itemOf(answer.content);
  section.append(said('h3', 'answer'), ...text(answer.description));
  if (answerSchema) section.append(typed(answerSchema));
  section.append(said('h3', 'errors'));
  const errors = el('ul', { className: 'schema' });
  for (const [status, raw] of Object.entries(described.responses ?? {})) {
    if (status === '200') continue;
    errors.append(el('li', {}, el('code', { textContent: status }), ` ${resolve(raw).description ?? ''}`));
  }
  section.append(errors, said('h3', 'tryIt'), form(path, method, [...parameters], shared, body, answer));
  return section;
}

const schemaOf = (parameter) => parameter.schema ?? parameter.content?.['application/json']?.schema ?? {};

// The type of one message: of a stream that of its items.
function itemOf(content = {}) {
  const types = Object.values(content);
  return types.find((type) => type['x-itemSchema'])?.['x-itemSchema'] ?? content['application/json']?.schema;
}

// ---------------------------------------------------------------- trying it

let fields = 0;

function field(label, control, note) {
  fields += 1;
  control.id = `field-${fields}`;
  const named = el('label', { htmlFor: control.id }, label);
  if (note) named.append(' ', note);
  return el('div', { className: 'field' }, named, control);
}

function choice(name, values, isRequired) {
  const select = el('select', { name });
  if (!isRequired) select.append(said('option', 'unset', { value: '' }));
  for (const value of values) select.append(el('option', { value, textContent: value }));
  return select;
}

function parameterField(parameter) {
  const schema = resolve(schemaOf(parameter));
  const { name } = parameter;
  const label = el('code', { textContent: name });
  const must = parameter.required ? said('span', 'required', { className: 'must' }) : undefined;
  if (schema.type === 'boolean') return field(label, choice(name, ['true', 'false'], parameter.required), must);
  const names = schema.anyOf?.find((one) => one.enum)?.enum;
  if (names) return field(label, choice(name, names, parameter.required), must);
  if (schema.type === 'array') return field(label, el('textarea', { name, rows: 2, spellcheck: false }), said('span', 'list', { className: 'type' }));
  if (parameter.style === 'deepObject')
    return field(label, el('textarea', { name, rows: 2, spellcheck: false }), said('span', 'map', { className: 'type' }));
  const input = el('input', { name, type: 'text', autocomplete: 'off', spellcheck: false, autocapitalize: 'off' });
  if (schema.default !== undefined) input.placeholder = String(schema.default);
  return field(label, input, must);
}

// A value of the type, as little of it as shows what there is.
function example(given, depth = 0) {
  const schema = resolve(plain(given));
  if (schema.const !== undefined) return schema.const;
  if (schema.default !== undefined) return schema.default;
  const names = schema.enum ?? schema.anyOf?.find((one) => one.enum)?.enum;
  if (names) return names[0];
  if (schema.format === 'date-time') return '2024-05-31T12:30:00Z';
  if (schema.format === 'google-duration') return '1.5s';
  const types = [schema.type ?? []].flat();
  if (types.includes('array')) return depth >= EXAMPLE_DEPTH_MAX ? [] : [example(schema.items ?? {}, depth + 1)];
  if (types.includes('object')) {
    if (depth >= EXAMPLE_DEPTH_MAX) return {};
    const exclusive = new Set((schema.allOf ?? []).flatMap((one) => (one.oneOf ?? []).slice(1).flatMap((other) => other.required ?? [])));
    const all = Object.entries(schema.properties ?? {}).filter(([name, inner]) => !inner.readOnly && name !== '@type' && !exclusive.has(name));
    return Object.fromEntries(all.map(([name, inner]) => [name, example(inner, depth + 1)]));
  }
  if (types.includes('boolean')) return false;
  if (types[0] === 'integer' || types[0] === 'number') return 0;
  if (types.includes('string')) return types.includes('integer') ? '0' : '';
  return null;
}

function form(path, method, parameters, shared, body, answer) {
  const accepts = Object.keys(answer.content ?? {}).filter((type) => type !== '*/*');
  const types = Object.keys(body.content ?? {});
  const controls = parameters.map(parameterField);
  if (types.length > 0) {
    if (types.length > 1) controls.push(field(said('span', 'bodyType'), choice('$type', types, true)));
    const start = types.includes('*/*') ? '' : JSON.stringify(example(body.content[types[0]].schema), null, 2);
    const area = el('textarea', { name: '$body', rows: Math.min(16, start.split('\n').length + 1), spellcheck: false, value: start });
    controls.push(field(said('span', 'body'), area));
  }
  if (accepts.length > 1) controls.push(field(said('span', 'accept'), choice('$accept', accepts, true)));
  const submit = said('button', 'send', { type: 'submit' });
  const cancel = said('button', 'cancel', { type: 'button', className: 'quiet cancel', hidden: true });
  const result = el('div', { className: 'result' });
  const made = el('form', { noValidate: true, autocomplete: 'off' }, ...controls, el('div', { className: 'actions' }, submit, cancel), result);
  // A stream is best seen while it comes.
  const streamed = made.querySelector('select[name="$accept"]');
  if (streamed && accepts.includes('application/x-ndjson')) streamed.value = 'application/x-ndjson';
  let abort;
  cancel.addEventListener('click', () => abort?.abort());
  made.addEventListener('submit', async (event) => {
    event.preventDefault();
    abort?.abort();
    abort = new AbortController();
    const mine = abort;
    cancel.hidden = false;
    await call(path, method, parameters, made, result, mine.signal);
    if (abort === mine) cancel.hidden = true;
  });
  return made;
}

// Our own controls have names that no field has: they begin with a dollar.
const valueOf = (made, name) => made.querySelector(`[name="${CSS.escape(name)}"]`)?.value ?? '';
const linesOf = (value) => value.split('\n').filter((line) => line !== '');

// Path and query of a request, or an error that says which parameter is missing.
function target(path, parameters, made) {
  const query = new URLSearchParams();
  let filled = path;
  for (const parameter of parameters) {
    const value = valueOf(made, parameter.name);
    if (parameter.required && value === '' && !parameter['x-takes-slashes']) throw new Error(t('missing')(parameter.name));
    if (parameter.in === 'path') {
      const parts = parameter['x-takes-slashes'] ? value.split('/') : [value];
      filled = filled.replace(`{${parameter.name}}`, () => parts.map(encodeURIComponent).join('/'));
    } else if (parameter.style === 'deepObject') {
      for (const line of linesOf(value)) {
        const [key, ...rest] = line.split('=');
        query.append(`${parameter.name}[${key}]`, rest.join('='));
      }
    } else if (resolve(schemaOf(parameter)).type === 'array') {
      for (const line of linesOf(value)) query.append(parameter.name, line);
    } else if (value !== '') {
      query.append(parameter.name, value);
    }
  }
  const search = query.toString();
  return search ? `${filled}?${search}` : filled;
}

function headersOf(made) {
  const headers = new Headers();
  for (const line of linesOf(byId('headers').value)) {
    const [name, ...rest] = line.split(':');
    try {
      if (rest.length === 0) throw new Error(line);
      headers.append(name.trim(), rest.join(':').trim());
    } catch {
      throw new Error(t('badHeader')(line));
    }
  }
  const accept = valueOf(made, '$accept');
  if (accept) headers.set('accept', accept);
  return headers;
}

async function call(path, method, parameters, made, result, signal) {
  const status = el('span', { className: 'status' });
  const clock = el('span', { className: 'soft' });
  const asked = el('p', { className: 'asked' });
  const problem = el('div', { className: 'error' });
  problem.setAttribute('role', 'alert');
  const line = el('p', { className: 'line' }, status, clock);
  line.setAttribute('role', 'status');
  result.className = 'result';
  result.replaceChildren(asked, line, problem);
  const begin = performance.now();
  const took = () => `${Math.round(performance.now() - begin).toLocaleString(language)} ms`;
  let response;
  try {
    const url = target(path, parameters, made);
    asked.textContent = `${method.toUpperCase()} ${url}`;
    const headers = headersOf(made);
    const options = { method: method.toUpperCase(), headers, signal, cache: 'no-store' };
    const body = valueOf(made, '$body');
    if (body.trim() !== '' && !['get', 'head'].includes(method)) {
      headers.set('content-type', valueOf(made, '$type') || 'application/json');
      options.body = body;
    }
    status.textContent = t('running');
    response = await fetch(url, options);
  } catch (error) {
    status.textContent = '';
    result.classList.add('bad');
    if (error.name === 'AbortError') status.textContent = t('cancelled');
    else problem.textContent = error instanceof TypeError ? t('network') : error.message;
    return;
  }
  result.classList.toggle('bad', !response.ok);
  status.textContent = `HTTP ${response.status}`;
  clock.textContent = t('arriving');
  const shown = el('pre', { tabIndex: 0 });
  const all = el('pre', { tabIndex: 0, textContent: [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n') });
  result.append(shown, el('details', { className: 'about' }, said('summary', 'headers'), all));
  const came = await receive(response, shown, () => {
    clock.textContent = `${t('arriving')} ${took()}`;
  });
  clock.textContent = `${came.bytes.toLocaleString(language)} ${t('bytes')} · ${took()}`;
  if (came.error) {
    result.classList.add('bad');
    if (signal.aborted) status.textContent = t('cancelled');
    else problem.textContent = t('broken');
  } else if (came.bytes === 0) {
    shown.textContent = t('empty');
  }
}

// Shows the body while it comes; JSON that is whole is laid out. How many bytes came, and whether it broke off.
async function receive(response, shown, moved) {
  const reader = response.body?.getReader();
  const type = response.headers.get('content-type') ?? '';
  const isText = /json|text|xml|^$/.test(type);
  const decoder = new TextDecoder();
  let bytes = 0;
  let kept = '';
  try {
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true };
      if (done) break;
      bytes += value.length;
      moved();
      if (!isText || kept.length >= SHOWN_MAX) continue;
      const piece = decoder.decode(value, { stream: true });
      kept += piece;
      shown.append(piece.slice(0, SHOWN_MAX));
      if (kept.length >= SHOWN_MAX) shown.append(`\n${t('cut')}`);
    }
  } catch (error) {
    return { bytes, error };
  }
  if (!isText && bytes > 0) shown.textContent = type;
  if (type.startsWith('application/json') && kept.length < SHOWN_MAX) {
    try {
      // Numbers that JavaScript cannot hold stay as they were sent.
      const laid = JSON.stringify(JSON.parse(kept), null, 2);
      if (!/[0-9]{16}/.test(kept)) shown.textContent = laid;
    } catch {
      /* shown as it came */
    }
  }
  return { bytes };
}

// ---------------------------------------------------------------- the page

function section(name, about, operations) {
  const made = el('section', { className: 'tag' }, el('h2', { textContent: name }), ...text(about), ...operations);
  made.dataset.tag = name;
  return made;
}

function others() {
  const listed = api['x-other-operations']?.operations ?? [];
  if (listed.length === 0) return [];
  const rows = listed.map(({ method, path, operationId }) =>
    el('li', {}, el('code', { textContent: `${method} ${path}` }), ' ', el('span', { className: 'type', textContent: operationId })),
  );
  return [el('section', { className: 'tag' }, said('h2', 'others'), el('ul', { className: 'schema' }, ...rows))];
}

function filter() {
  const wanted = byId('filter').value.trim().toLowerCase();
  let found = 0;
  for (const tag of document.querySelectorAll('.tag[data-tag]')) {
    let inTag = 0;
    for (const one of tag.querySelectorAll('.operation')) {
      const words = `${one.dataset.method} ${one.dataset.path} ${one.id} ${one.querySelector('.summary').textContent}`;
      one.hidden = !words.toLowerCase().includes(wanted);
      if (!one.hidden) inTag += 1;
    }
    tag.hidden = inTag === 0;
    found += inTag;
  }
  byId('found').textContent = wanted === '' ? '' : t('found')(found);
}

function openLinked() {
  const linked = byId(decodeURIComponent(location.hash.slice(1)));
  if (linked?.classList.contains('operation')) {
    linked.open = true;
    linked.scrollIntoView();
  }
}

async function main() {
  speak(preferredLanguage());
  byId('lang').addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (!button) return;
    speak(button.lang);
    filter();
    try {
      localStorage.setItem(LANGUAGE_KEY, button.lang);
    } catch {
      /* not remembered */
    }
  });
  byId('filter').addEventListener('input', filter);
  const response = await fetch('/openapi.json', { headers: { accept: 'application/json' } });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  api = await response.json();
  document.title = `${api.info?.title ?? 'API'} · pspd`;
  byId('title').textContent = api.info?.title ?? 'API';
  byId('description').textContent = api.info?.description ?? '';
  const byTag = new Map((api.tags ?? []).map(({ name, description }) => [name, { description, operations: [] }]));
  for (const [path, item] of Object.entries(api.paths ?? {})) {
    for (const method of METHODS.filter((one) => item[one])) {
      const tag = item[method].tags?.[0] ?? '';
      if (!byTag.has(tag)) byTag.set(tag, { operations: [] });
      byTag.get(tag).operations.push(operation(path, item, method));
    }
  }
  const sections = [...byTag].map(([name, { description, operations }]) => section(name, description, operations));
  byId('operations').replaceChildren(...sections, ...others());
  openLinked();
  window.addEventListener('hashchange', openLinked);
}

main().catch((error) => {
  byId('error').textContent = t('unreadable')(error.message);
});
