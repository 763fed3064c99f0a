// The gateway's documentation page in a real Chromium: it shows what /openapi.json says, and makes the calls.
//
// Run: NODE_MODULES=.../node_modules CHROMIUM=/usr/bin/chromium GATEWAY_URL=http://127.0.0.1:8080 node gateway_docs.mjs
// The gateway has the laboratory's own services behind it. That nothing is asked of another origin, and that the
// console stays empty, is checked after each test by support.mjs.
// Prints `ok NAME` lines; exits 1 at the first failure, 64 when a variable is missing.

import assert from 'node:assert/strict';
import { assertFits, required, run } from './support.mjs';

const GATEWAY = required('GATEWAY_URL').replace(/\/$/, '');
const DOCS = `${GATEWAY}/docs`;
const PHONE = { width: 360, height: 740 };
const api = await (await fetch(`${GATEWAY}/openapi.json`)).json();

const operation = (page, path, method = 'get') =>
  page.locator(`.operation[data-method="${method}"][data-path="${path}"]`);

async function opened(page, path, method) {
  const found = operation(page, path, method);
  await found.locator('summary').first().click();
  await found.locator('form').waitFor();
  return found;
}

const status = (found, code) => found.locator('.result .status').filter({ hasText: `HTTP ${code}` });

// Texts and names that nobody of ours would write.
const HOSTILE = {
  openapi: '3.1.0',
  info: { title: '<img src=x onerror=window.hit=1>', version: '1', description: '<b>bold</b>' },
  tags: [{ name: '<i>tag</i>', description: '<svg onload=window.hit=1>' }],
  paths: {
    '/things/{id}/{rest}': {
      post: {
        tags: ['<i>tag</i>'],
        operationId: 'a.B.C',
        summary: '<u>summary</u>',
        parameters: [
          { name: 'id', in: 'path', required: true, schema: { type: 'string' } },
          { name: 'rest', in: 'path', required: true, 'x-takes-slashes': true, schema: { type: 'string' } },
          { name: 'length', in: 'query', schema: { type: 'integer' } },
          { name: 'tags', in: 'query', schema: { type: 'array', items: { type: 'string' } } },
          { name: 'labels', in: 'query', style: 'deepObject', schema: { type: 'object' } },
        ],
        requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Node' } } } },
        responses: { 200: { description: '', content: { 'application/json': { schema: { $ref: '#/components/schemas/Loop' } } } } },
      },
    },
  },
  components: {
    schemas: {
      Node: { type: 'object', properties: { name: { type: 'string' }, next: { $ref: '#/components/schemas/Node' } } },
      Loop: { $ref: '#/components/schemas/Loop' },
    },
  },
};

await run({
  async 'the page is served under a strict policy'(open) {
    await open(DOCS);
    for (const path of ['/docs', '/docs.css', '/docs.js']) {
      const response = await fetch(GATEWAY + path);
      assert.equal(response.status, 200, path);
      const policy = response.headers.get('content-security-policy') ?? '';
      for (const directive of ["default-src 'none'", "script-src 'self'", "connect-src 'self'"])
        assert.ok(policy.includes(directive), `${directive} is missing from the policy of ${path}: ${policy}`);
    }
  },

  async 'the document is not sent again while it is the same'(open) {
    await open(DOCS);
    const first = await fetch(`${GATEWAY}/openapi.json`);
    const tag = first.headers.get('etag');
    assert.ok(tag, 'no etag');
    const again = await fetch(`${GATEWAY}/openapi.json`, { headers: { 'if-none-match': tag } });
    assert.equal(again.status, 304);
    const other = await fetch(`${GATEWAY}/openapi.json`, { headers: { 'if-none-match': '"other"' } });
    assert.equal(other.status, 200);
  },

  async 'every operation is listed below its service'(open) {
    const page = await open(DOCS);
    await page.locator('.operation').first().waitFor();
    for (const { name, description } of api.tags) {
      const tag = page.locator(`.tag[data-tag="${name}"]`);
      assert.ok((await tag.innerText()).includes(description.split('\n')[0]), name);
    }
    for (const [path, item] of Object.entries(api.paths))
      for (const method of Object.keys(item).filter((key) => key !== 'parameters')) {
        const text = await operation(page, path, method).innerText();
        assert.ok(text.includes(item[method].summary), `${method} ${path}: ${text}`);
      }
    await page.fill('#filter', 'stream');
    await operation(page, '/a/hello').waitFor({ state: 'hidden' });
    assert.equal(await operation(page, '/b/numbers').isVisible(), true);
  },

  async 'an operation shows its parameters and types'(open) {
    const page = await open(DOCS);
    const hello = await opened(page, '/a/hello');
    const text = await hello.innerText();
    for (const part of ['name', 'Who is greeted.', 'The greeting.', 'pspd.ServiceA/SayHello'])
      assert.ok(text.includes(part), `"${part}" in ${text}`);
  },

  async 'a unary call'(open) {
    const page = await open(DOCS);
    const hello = await opened(page, '/a/hello');
    await hello.locator('[name="name"]').fill('José & <b>');
    await hello.locator('button[type=submit]').click();
    await status(hello, 200).waitFor();
    await hello.locator('.result pre').first().filter({ hasText: 'José' }).waitFor();
    const shown = JSON.parse(await hello.locator('.result pre').first().textContent());
    assert.deepEqual(shown, { from: 'A', message: 'Olá, José & <b>! [A]' });
    assert.ok((await hello.locator('.result details pre').textContent()).includes('x-request-id'));
  },

  async 'a stream is shown while it comes, and can be cancelled'(open) {
    const page = await open(DOCS);
    const numbers = await opened(page, '/b/numbers');
    const delay = numbers.locator('[name="delayMs"]');
    await numbers.locator('[name="count"]').fill('3');
    await delay.fill('50');
    await numbers.locator('button[type=submit]').click();
    await numbers.locator('.result pre').first().filter({ hasText: '"value":3' }).waitFor();
    // Hours of it: what is there is there before the end.
    await numbers.locator('[name="count"]').fill('100000');
    await delay.fill('200');
    await numbers.locator('button[type=submit]').click();
    await numbers.locator('.result pre').first().filter({ hasText: '"value":2' }).waitFor();
    await numbers.locator('.cancel').click();
    await numbers.locator('.cancel').waitFor({ state: 'hidden' });
    assert.match(await numbers.locator('.result .status').textContent(), /Cancel/);
  },

  async 'what is refused is shown as refused'(open) {
    const page = await open(DOCS, { expected: /Failed to load resource.*status of 400/ });
    const numbers = await opened(page, '/b/numbers');
    await numbers.locator('[name="count"]').fill('many');
    await numbers.locator('button[type=submit]').click();
    await status(numbers, 400).waitFor();
    assert.equal(await numbers.locator('.result.bad').count(), 1);
  },

  async 'both languages'(open) {
    const page = await open(DOCS);
    const hello = await opened(page, '/a/hello');
    assert.ok((await hello.innerText()).toLowerCase().includes('parâmetros'));
    await page.getByRole('button', { name: 'English' }).click();
    assert.ok((await hello.innerText()).toLowerCase().includes('parameters'));
    assert.equal(await page.getAttribute('html', 'lang'), 'en');
    await page.reload();
    assert.equal(await page.getAttribute('html', 'lang'), 'en');
  },

  async 'texts stay text, odd names and circles do no harm'(open) {
    const page = await open(DOCS);
    await page.route('**/openapi.json', (route) => route.fulfill({ json: HOSTILE }));
    const asked = [];
    await page.route('**/things/**', (route) => {
      asked.push([route.request().url(), route.request().postData()]);
      return route.fulfill({ json: { big: 1 } });
    });
    await page.reload();
    const things = await opened(page, '/things/{id}/{rest}', 'post');
    assert.equal(await page.locator('main img, main b, main i, main u, main svg').count(), 0, 'markup became elements');
    assert.equal(await page.evaluate(() => window.hit), undefined);
    await things.locator('.schema summary', { hasText: 'next' }).first().click();
    await things.locator('[name="id"]').fill('a/b');
    await things.locator('[name="rest"]').fill('c/d e');
    await things.locator('[name="length"]').fill('7');
    await things.locator('[name="tags"]').fill('x\ny');
    await things.locator('[name="labels"]').fill('k=v=w');
    await things.locator('[name="$body"]').fill('{"name":"n"}');
    await things.locator('button[type=submit]').click();
    await status(things, 200).waitFor();
    assert.deepEqual(asked, [
      [`${GATEWAY}/things/a%2Fb/c/d%20e?length=7&tags=x&tags=y&labels%5Bk%5D=v%3Dw`, '{"name":"n"}'],
    ]);
  },

  async 'a document that cannot be read is told'(open) {
    const page = await open(DOCS);
    await page.route('**/openapi.json', (route) => route.fulfill({ contentType: 'application/json', body: '{' }));
    await page.reload();
    await page.getByRole('alert').filter({ hasText: '/openapi.json' }).waitFor();
  },

  async 'from the keyboard, on a phone, and by a link'(open) {
    const page = await open(`${DOCS}#pspd.ServiceA.SayHello`, { viewport: PHONE, isMobile: true });
    const hello = operation(page, '/a/hello');
    await hello.locator('form').waitFor();
    await assertFits(page, 'with an operation open');
    await operation(page, '/b/numbers').locator('summary').first().focus();
    await page.keyboard.press('Enter');
    await operation(page, '/b/numbers').locator('form').waitFor();
    await hello.locator('[name="name"]').focus();
    const outline = await hello.locator('[name="name"]').evaluate((one) => getComputedStyle(one).outlineStyle);
    assert.notEqual(outline, 'none', 'no visible focus');
    await page.keyboard.press('Enter');
    await status(hello, 200).waitFor();
    await assertFits(page, 'with an answer');
  },

  async 'the page of the laboratory leads to it'(open) {
    const page = await open(GATEWAY);
    await page.locator('a[href="/docs"]').click();
    await page.locator('.operation').first().waitFor();
  },
});
