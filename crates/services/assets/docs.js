// The documentation page of the REST services, made from /openapi.json (OpenAPI 3.1) with no network.
//
// In: any document with paths, operations, parameters and responses. Out: one section an operation, and for
// GET a form that tries it. Text of the document is set as text, never as HTML. Not done here: request bodies,
// security schemes, references outside the document; such an operation is described but has no form.
//
// Hooks for tests: .operation[data-method][data-path], inside it .parameters (a table), form, [name=PARAMETER],
// button[type=submit], .result .status, .result pre; #error (role=alert) when the document cannot be read.

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];
const LIMITS = {
  minimum: 'at least',
  maximum: 'at most',
  exclusiveMinimum: 'more than',
  exclusiveMaximum: 'less than',
  minLength: 'length at least',
  maxLength: 'length at most',
  pattern: 'pattern',
};
const LINES_SHOWN_MAX = 1000;

function el(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// ---------------------------------------------------------------- the document

async function main() {
  const response = await fetch('/openapi.json', { headers: { accept: 'application/json' } });
  if (!response.ok) throw new Error(`/openapi.json answered HTTP ${response.status}`);
  const api = await response.json();
  const info = api.info ?? {};
  document.title = `${info.title ?? 'API'} · API`;
  document.getElementById('title').textContent = info.title ?? 'API';
  document.getElementById('version').textContent = info.version ? `version ${info.version}` : '';
  document.getElementById('description').textContent = info.description ?? info.summary ?? '';
  const sections = Object.entries(api.paths ?? {}).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => operation(api, path, item, method)),
  );
  document.getElementById('operations').replaceChildren(...sections);
}

// Follows a reference inside the document; one that leads nowhere, or in a circle, is shown as it stands.
function resolve(api, node) {
  let at = node;
  for (let hops = 0; at?.$ref?.startsWith?.('#/') && hops < 16; hops += 1) {
    const keys = at.$ref
      .slice(2)
      .split('/')
      .map((key) => decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~'));
    at = keys.reduce((inside, key) => inside?.[key], api);
  }
  return at ?? node;
}

function parametersOf(api, item, described) {
  const byKey = new Map();
  for (const raw of [...(item.parameters ?? []), ...(described.parameters ?? [])]) {
    const parameter = resolve(api, raw);
    byKey.set(`${parameter.in} ${parameter.name}`, {
      ...parameter,
      schema: resolve(api, parameter.schema ?? {}),
    });
  }
  return [...byKey.values()];
}

// ---------------------------------------------------------------- an operation

function operation(api, path, item, method) {
  const described = item[method];
  const parameters = parametersOf(api, item, described);
  const section = el(
    'section',
    { className: 'operation' },
    el('h2', {}, el('span', { className: 'method', textContent: method }), el('span', { textContent: path })),
  );
  Object.assign(section.dataset, { method, path });
  for (const text of new Set([described.summary, described.description ?? item.description])) {
    if (text) section.append(el('p', { className: 'text', textContent: text }));
  }
  if (parameters.length > 0)
    section.append(el('h3', { textContent: 'Parameters' }), parameterTable(parameters));
  section.append(el('h3', { textContent: 'Responses' }), responses(api, described.responses ?? {}));
  if (method === 'get' && !described.requestBody)
    section.append(el('h3', { textContent: 'Try it' }), tryIt(path, parameters));
  return section;
}

function table(className, headings, rows) {
  const head = el('tr', {}, ...headings.map((heading) => el('th', { scope: 'col', textContent: heading })));
  const body = rows.map((cells) =>
    el(
      'tr',
      {},
      ...cells.map((cell, column) => {
        const td = el('td', {}, cell);
        td.dataset.heading = headings[column];
        return td;
      }),
    ),
  );
  return el(
    'div',
    { className: 'wide' },
    el('table', { className }, el('thead', {}, head), el('tbody', {}, ...body)),
  );
}

function parameterTable(parameters) {
  return table(
    'parameters',
    ['Name', 'In', 'Type', 'Default', 'Meaning'],
    parameters.map(({ name, in: place, required, schema, description }) => {
      const meaning = [description, limits(schema)]
        .filter(Boolean)
        .map((text) => el('p', { textContent: text }));
      return [
        el('code', { textContent: name }),
        place ?? '',
        typeOf(schema),
        schema.default === undefined
          ? required
            ? 'required'
            : ''
          : el('code', { textContent: JSON.stringify(schema.default) }),
        el('div', {}, ...meaning),
      ];
    }),
  );
}

function typeOf(schema) {
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.map(typeOf).join(' or ');
  const type = [schema.type ?? []].flat().join(' or ');
  return [type, schema.format && `(${schema.format})`].filter(Boolean).join(' ') || 'any';
}

function limits(schema) {
  const said = Object.entries(LIMITS)
    .filter(([key]) => schema[key] !== undefined)
    .map(([key, words]) => `${words} ${shownLimit(schema[key])}`);
  if (schema.enum) said.push(`one of ${schema.enum.map((value) => JSON.stringify(value)).join(', ')}`);
  return said.length > 0 ? `Limits: ${said.join(', ')}.` : '';
}

function shownLimit(limit) {
  return typeof limit === 'number' ? limit.toLocaleString('en') : String(limit);
}

function responses(api, all) {
  return table(
    'responses',
    ['Status', 'Meaning'],
    Object.entries(all).map(([status, raw]) => {
      const response = resolve(api, raw);
      const cell = el('div', {}, el('p', { textContent: response.description ?? '' }));
      for (const [type, content] of Object.entries(response.content ?? {})) {
        const example = content.example ?? resolve(api, Object.values(content.examples ?? {})[0])?.value;
        const shown = example ?? resolve(api, content.schema);
        if (shown === undefined) continue;
        cell.append(
          el(
            'details',
            {},
            el('summary', { textContent: `${type}, ${example === undefined ? 'schema' : 'example'}` }),
            el('pre', { tabIndex: 0, textContent: JSON.stringify(shown, null, 2) }),
          ),
        );
      }
      return [el('code', { textContent: status }), cell];
    }),
  );
}

// ---------------------------------------------------------------- trying it

// An empty value and a missing one may mean different things, so each parameter has its own "send" tick.
function tryIt(path, parameters) {
  const rows = parameters
    .filter(({ in: place }) => place === 'query' || place === 'path')
    .map((parameter, index) => {
      const { name, schema, in: place } = parameter;
      const id = `try-${path}-${name}-${index}`.replace(/[^\w-]/g, '-');
      const numeric = [schema.type].flat().some((type) => type === 'integer' || type === 'number');
      const input = el('input', {
        id,
        name,
        type: 'text',
        autocomplete: 'off',
        spellcheck: false,
        inputMode: numeric ? 'numeric' : 'text',
      });
      const example = parameter.example ?? schema.examples?.[0] ?? schema.default;
      if (example !== undefined) input.placeholder = String(example);
      const send = el('input', { type: 'checkbox', checked: place === 'path', disabled: place === 'path' });
      send.setAttribute('aria-label', `send ${name}`);
      input.addEventListener('input', () => {
        send.checked = true;
      });
      const row = el(
        'div',
        { className: 'field' },
        el('label', { htmlFor: id }, el('code', { textContent: name })),
        input,
        el('label', { className: 'send' }, send, 'send'),
      );
      return { row, place, name, input, send };
    });
  const result = el('div', { className: 'result', ariaLive: 'polite', ariaBusy: 'false' });
  const form = el(
    'form',
    { noValidate: true },
    el('div', { className: 'fields' }, ...rows.map(({ row }) => row)),
    el('button', { type: 'submit', textContent: 'Send' }),
    result,
  );
  let latest = 0;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const mine = (latest += 1);
    result.ariaBusy = 'true';
    const shown = await answer(address(path, rows));
    if (mine !== latest) return;
    result.replaceChildren(...shown.children);
    result.className = shown.className;
    result.ariaBusy = 'false';
  });
  return form;
}

function address(path, rows) {
  const query = new URLSearchParams();
  let place = path;
  for (const row of rows.filter(({ send }) => send.checked)) {
    if (row.place === 'path')
      place = place.replace(`{${row.name}}`, () => encodeURIComponent(row.input.value));
    else query.append(row.name, row.input.value);
  }
  return query.size === 0 ? place : `${place}?${query}`;
}

async function answer(url) {
  const line = (status) =>
    el(
      'p',
      {},
      el('span', { className: 'status', textContent: status }),
      el('span', { className: 'asked', textContent: url }),
    );
  try {
    const response = await fetch(url, { headers: { accept: 'application/json' }, cache: 'no-store' });
    const body = el('pre', { tabIndex: 0, textContent: readable(await response.text()) });
    return el(
      'div',
      { className: response.ok ? 'result' : 'result bad' },
      line(`HTTP ${response.status} ${response.statusText}`.trim()),
      body,
    );
  } catch {
    const why = el('div', {
      className: 'error',
      textContent:
        'The service does not answer. See that it is running and that the network reaches it, then try again.',
    });
    why.setAttribute('role', 'alert');
    return el('div', { className: 'result bad' }, line('No answer'), why);
  }
}

// Indented when it is JSON; a long list is cut to its head, and says so.
function readable(text) {
  try {
    const lines = JSON.stringify(JSON.parse(text), null, 2).split('\n');
    const hidden = lines.length - LINES_SHOWN_MAX;
    return hidden > 0
      ? `${lines.slice(0, LINES_SHOWN_MAX).join('\n')}\n… ${hidden} more lines`
      : lines.join('\n');
  } catch {
    return text.slice(0, 10_000);
  }
}

main().catch((error) => {
  document.getElementById('error').textContent =
    `The description of this service cannot be read: ${error.message}. Reload the page, or open /openapi.json itself.`;
});
