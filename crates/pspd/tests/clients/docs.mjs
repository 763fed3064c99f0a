// The documentation page of a REST service in a real Chromium: it shows what /openapi.json says, and tries it.
//
// Run: NODE_MODULES=.../node_modules CHROMIUM=/usr/bin/chromium DOCS_URL=http://127.0.0.1:50061/docs node docs.mjs
// Works for A-REST and B-REST alike: what is expected is read from the service's own document.
// Prints `ok NAME` lines; exits 1 at the first failure, 64 when a variable is missing.

import assert from 'node:assert/strict';
import { assertFits, required, run } from './support.mjs';

const DOCS = required('DOCS_URL');
const ORIGIN = new URL(DOCS).origin;
const PHONE = { width: 360, height: 740 };

const api = await (await fetch(`${ORIGIN}/openapi.json`)).json();
const operations = Object.entries(api.paths)
  .filter(([, item]) => item.get)
  .map(([path, item]) => ({ path, ...item.get }));
assert.ok(operations.length > 0, `${ORIGIN}/openapi.json describes no GET operation`);

const section = (page, { path }) => page.locator(`.operation[data-method="get"][data-path="${path}"]`);
const whole = (parameter) => parameter.schema.type === 'integer';

async function send(page, operation, expected) {
  const status = section(page, operation).locator('.result .status');
  await section(page, operation).getByRole('button', { name: 'Send' }).click();
  await status.filter({ hasText: `HTTP ${expected}` }).waitFor();
  return JSON.parse(await section(page, operation).locator('.result pre').textContent());
}

// A document nobody of ours would write: markup in its texts, references, choices, a circle, a write operation.
const HOSTILE = {
  openapi: '3.1.0',
  info: {
    title: '<img src=x onerror=window.hit=1>',
    version: '<script>window.hit=1</script>',
    description: '<b>bold</b>',
  },
  paths: {
    '/things/{id}': {
      parameters: [{ name: 'id', in: 'path', required: true, schema: { $ref: '#/components/schemas/Id' } }],
      get: {
        description: '<svg onload=window.hit=1>',
        parameters: [
          {
            name: 'kind',
            in: 'query',
            schema: { anyOf: [{ type: 'string' }, { type: 'null' }], enum: ['<i>', 'b'] },
          },
          { $ref: '#/components/parameters/Loop' },
        ],
        responses: { 200: { $ref: '#/components/responses/Fine' }, default: {} },
      },
      post: { summary: 'Writes', responses: {} },
    },
  },
  components: {
    schemas: { Id: { type: 'integer', minimum: 1, maximum: 9 } },
    parameters: { Loop: { $ref: '#/components/parameters/Loop' } },
    responses: { Fine: { description: 'fine', content: { 'application/json': { example: { a: '<u>' } } } } },
  },
};

await run({
  async 'the page is whole and served under a strict policy'(open) {
    await open(DOCS);
    for (const [path, type] of [
      ['/docs', 'text/html'],
      ['/docs.css', 'text/css'],
      ['/docs.js', 'text/javascript'],
    ]) {
      const response = await fetch(ORIGIN + path);
      assert.equal(response.status, 200, path);
      assert.match(response.headers.get('content-type'), new RegExp(`^${type}; ?charset=utf-8$`, 'i'), path);
    }
    const policy = (await fetch(DOCS)).headers.get('content-security-policy') ?? '';
    for (const directive of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      'img-src data:',
      "base-uri 'none'",
      "form-action 'self'",
    ]) {
      assert.ok(policy.includes(directive), `${directive} is missing from the policy: ${policy}`);
    }
  },

  async 'every operation and parameter of the document is shown'(open) {
    const page = await open(DOCS);
    await page.locator('.operation').first().waitFor();
    assert.equal(await page.locator('h1').textContent(), api.info.title);
    assert.equal(await page.locator('.operation[data-method="get"]').count(), operations.length);
    for (const operation of operations) {
      const text = await section(page, operation).innerText();
      const said = [operation.path, operation.description ?? '', ...Object.keys(operation.responses)];
      for (const part of said)
        assert.ok(text.includes(part.split('\n')[0]), `"${part}" in ${operation.path}:\n${text}`);
      for (const { name, schema, description } of operation.parameters ?? []) {
        const row = await section(page, operation)
          .locator('.parameters tbody tr')
          .filter({ has: page.getByText(name, { exact: true }) })
          .innerText();
        const parts = [
          schema.type,
          schema.default,
          schema.minimum?.toLocaleString('en'),
          schema.maximum?.toLocaleString('en'),
          description,
        ];
        for (const part of parts.filter((one) => one !== undefined)) {
          assert.ok(row.includes(String(part)), `"${part}" in the row of ${name}: ${row}`);
        }
      }
    }
  },

  async 'an operation is tried as the service answers it'(open) {
    const page = await open(DOCS);
    for (const operation of operations) {
      assert.deepEqual(await send(page, operation, 200), await (await fetch(ORIGIN + operation.path)).json());
      const query = new URLSearchParams();
      for (const parameter of operation.parameters ?? []) {
        const value = whole(parameter) ? '2' : 'José & <b>';
        query.set(parameter.name, value);
        await section(page, operation).locator(`[name="${parameter.name}"]`).fill(value);
      }
      const asked = `${operation.path}?${query}`;
      await section(page, operation).getByRole('button', { name: 'Send' }).click();
      await section(page, operation).locator('.asked').filter({ hasText: asked }).waitFor();
      const shown = JSON.parse(await section(page, operation).locator('.result pre').textContent());
      assert.deepEqual(shown, await (await fetch(ORIGIN + asked)).json());
    }
  },

  async 'an empty value and a missing one are told apart'(open) {
    const page = await open(DOCS);
    for (const operation of operations) {
      const text = (operation.parameters ?? []).find((parameter) => parameter.schema.type === 'string');
      if (!text) continue;
      await section(page, operation).getByLabel(`send ${text.name}`).check();
      assert.deepEqual(
        await send(page, operation, 200),
        await (await fetch(`${ORIGIN}${operation.path}?${text.name}=`)).json(),
      );
    }
  },

  async 'what the service refuses is shown as refused'(open) {
    const tried = operations.filter((operation) => operation.parameters?.some(whole));
    const page = await open(
      DOCS,
      tried.length > 0 ? { expected: /Failed to load resource.*status of 422/ } : {},
    );
    for (const operation of tried) {
      const { name } = operation.parameters.find(whole);
      await section(page, operation).locator(`[name="${name}"]`).fill('abc');
      const { detail } = await send(page, operation, 422);
      assert.ok(detail[0].loc.includes(name), JSON.stringify(detail));
      assert.equal(await section(page, operation).locator('.result.bad').count(), 1);
    }
  },

  async 'a service that does not answer is told in words'(open) {
    const page = await open(DOCS, { expected: /net::ERR_CONNECTION_REFUSED/ });
    await page.locator('.operation').first().waitFor();
    await page.route(/.*/, (route) => route.abort('connectionrefused'));
    await section(page, operations[0]).getByRole('button', { name: 'Send' }).click();
    await section(page, operations[0]).getByRole('alert').filter({ hasText: 'does not answer' }).waitFor();
  },

  async 'a document that cannot be read is told, with the next step'(open) {
    const page = await open(DOCS);
    await page.route('**/openapi.json', (route) =>
      route.fulfill({ status: 200, contentType: 'application/json', body: '{' }),
    );
    await page.reload();
    await page.getByRole('alert').filter({ hasText: 'open /openapi.json itself' }).waitFor();
  },

  async 'texts of the document stay text, references are followed'(open) {
    const page = await open(DOCS);
    await page.route('**/openapi.json', (route) => route.fulfill({ json: HOSTILE }));
    const asked = [];
    await page.route('**/things/**', (route) => {
      asked.push(route.request().url());
      return route.fulfill({ json: { fine: true } });
    });
    await page.reload();
    await page.locator('.operation').first().waitFor();
    assert.equal(await page.locator('h1').textContent(), HOSTILE.info.title);
    assert.equal(
      await page.locator('img, b, i, u, body script, main svg').count(),
      0,
      'markup of the document became elements',
    );
    assert.equal(await page.evaluate(() => window.hit), undefined);
    const things = page.locator('.operation[data-method="get"]');
    assert.match(
      await things.locator('.parameters tbody tr').first().innerText(),
      /integer[\s\S]*required[\s\S]*at least 1, at most 9/,
    );
    assert.match(
      await things.locator('.parameters tr').filter({ hasText: 'kind' }).innerText(),
      /string or null[\s\S]*one of "<i>", "b"/,
    );
    assert.equal(await page.locator('.operation[data-method="post"] form').count(), 0, 'only GET is tried');
    await things.locator('[name="id"]').fill('a/b?c');
    await things.getByRole('button', { name: 'Send' }).click();
    await things.locator('.status').filter({ hasText: 'HTTP 200' }).waitFor();
    assert.deepEqual(asked, [`${ORIGIN}/things/a%2Fb%3Fc`]);
  },

  async 'from the keyboard, and on a phone'(open) {
    const page = await open(DOCS, { viewport: PHONE, isMobile: true });
    await page.locator('.operation').first().waitFor();
    await assertFits(page, 'at rest');
    const input = section(page, operations[0]).locator('form input[type="text"]').first();
    await input.focus();
    assert.notEqual(
      await input.evaluate((element) => getComputedStyle(element).outlineStyle),
      'none',
      'no visible focus',
    );
    await page.keyboard.type('3');
    await page.keyboard.press('Enter');
    await section(page, operations[0]).locator('.status').filter({ hasText: 'HTTP 200' }).waitFor();
    await assertFits(page, 'with an answer');
  },
});
