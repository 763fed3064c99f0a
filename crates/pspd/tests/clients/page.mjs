// The gateways' page in a real Chromium: what a person sees, in both languages, by mouse and by keyboard.
//
// Run: NODE_MODULES=.../node_modules CHROMIUM=/usr/bin/chromium GATEWAY_URL=http://127.0.0.1:8080
//      GATEWAY_KIND=grpc GATEWAY_DOWN_URL=http://127.0.0.1:8090 node page.mjs
// GATEWAY_KIND is grpc or rest; GATEWAY_DOWN_URL is a gateway of that kind whose services are down.
// Prints `ok NAME` lines; exits 1 at the first failure, 64 when a variable is missing.

import assert from 'node:assert/strict';
import http from 'node:http';
import { assertFits, required, run } from './support.mjs';

const GATEWAY = required('GATEWAY_URL').replace(/\/$/, '');
const DOWN = required('GATEWAY_DOWN_URL').replace(/\/$/, '');
const KIND = required('GATEWAY_KIND');
if (!['grpc', 'rest'].includes(KIND)) {
  console.error(`GATEWAY_KIND is "${KIND}"; it must be grpc or rest`);
  process.exit(64);
}
const STREAMS = KIND === 'grpc';
const PHONE = { width: 360, height: 740 };
const REFUSED = /Failed to load resource.*status of 4\d\d/;
const UNAVAILABLE = /Failed to load resource.*status of 50[234]/;
const BROKEN =
  /Failed to load resource: net::|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/;

const greeting = (name) =>
  STREAMS ? { from: 'A', message: `Olá, ${name}! [A]` } : { message: `Olá, ${name}! [A-REST]` };
const numbers = (n) => {
  const values = Array.from({ length: n }, (_, i) => i + 1);
  return STREAMS ? { from: 'B', values } : { values };
};

// ---------------------------------------------------------------- hands and eyes

const result = (page, card) => page.locator(`#${card}-result`);
const alert = (page, card) => result(page, card).locator('[role=alert]');
const json = async (page, card) => JSON.parse(await result(page, card).locator('.json').textContent());

async function ended(page, card, phase) {
  await page.waitForFunction(
    (id) => !['idle', 'running', undefined].includes(document.getElementById(id).dataset.phase),
    `${card}-result`,
  );
  const got = await result(page, card).getAttribute('data-phase');
  assert.equal(got, phase, `the ${card} card ended as ${got}: ${await result(page, card).innerText()}`);
}

async function hello(page, name, phase = 'done') {
  await page.fill('#name', name);
  await page.click('#hello');
  await ended(page, 'hello', phase);
}

async function askNumbers(page, count, delay) {
  await page.fill('#count', String(count));
  await page.fill('#delay', String(delay));
  await page.click('#numbers');
}

async function countTo(page, count, delay, phase = 'done') {
  await askNumbers(page, count, delay);
  await ended(page, 'numbers', phase);
}

// What the numbers card showed, each time that it changed: how many values, in which phase, with JSON or not.
async function record(page) {
  await page.evaluate(() => {
    window.seen = [];
    const card = document.getElementById('numbers-result');
    new MutationObserver(() =>
      window.seen.push({
        phase: card.dataset.phase,
        values: card.querySelectorAll('.values li').length,
        json: card.querySelector('.json').textContent !== '',
      }),
    ).observe(card, { childList: true, subtree: true, attributes: true });
  });
  return () => page.evaluate(() => window.seen);
}

// A gateway in front of the gateway, whose /b/numbers is what `answer` writes: for the failures that a healthy
// system does not show on demand.
async function behindProxy(answer, test) {
  const server = http.createServer(async (request, response) => {
    if (request.url.startsWith('/b/numbers')) return answer(response);
    const real = await fetch(GATEWAY + request.url);
    const kept = ['content-type', 'content-security-policy'].map((name) => [name, real.headers.get(name)]);
    response.writeHead(real.status, Object.fromEntries(kept.filter(([, value]) => value)));
    return response.end(Buffer.from(await real.arrayBuffer()));
  });
  await new Promise((listening) => {
    server.listen(0, '127.0.0.1', listening);
  });
  try {
    await test(`http://127.0.0.1:${server.address().port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

// A page whose conversations are with this test: `answer` gets each text and the WebSocket, of a gateway that
// behaves as ours does. What the page's own gateway makes of them is another test's.
async function talking(open, answer, options) {
  const page = await open(GATEWAY, options);
  const heard = [];
  await page.routeWebSocket('**/b/echo', (socket) => {
    socket.onMessage((frame) => {
      heard.push(frame);
      answer(frame, socket);
    });
  });
  await page.reload();
  return { page, heard };
}

// As service B does it.
function echo() {
  let [messages, bytes] = [0, 0];
  return (frame, socket) => {
    if (frame === '') {
      socket.send(JSON.stringify({ '@status': { code: 0, message: '' } }));
      socket.close({ code: 1000, reason: 'OK' });
      return;
    }
    const { text } = JSON.parse(frame);
    messages += 1;
    bytes += Buffer.byteLength(text);
    socket.send(JSON.stringify({ from: 'B', text, messages: String(messages), bytes: String(bytes) }));
  };
}

const said = (page) => page.locator('.talk .text').allTextContents();
const totals = (page) => page.locator('.talk .totals').allTextContents();

async function say(page, text) {
  await page.fill('#text', text);
  await page.click('#echo');
}

// ---------------------------------------------------------------- the tests

const tests = {
  async 'the page is whole and served under a strict policy'(open) {
    const page = await open(GATEWAY);
    assert.equal(await page.getAttribute('html', 'data-gateway'), KIND);
    for (const [path, type] of [
      ['/', 'text/html'],
      ['/page.css', 'text/css'],
      ['/page.js', 'text/javascript'],
    ]) {
      const response = await fetch(GATEWAY + path);
      assert.equal(response.status, 200, path);
      assert.match(response.headers.get('content-type'), new RegExp(`^${type}; ?charset=utf-8$`, 'i'), path);
      assert.ok(!(await response.text()).includes('{{'), `${path} holds a placeholder that nobody filled`);
    }
    const policy = (await fetch(GATEWAY)).headers.get('content-security-policy') ?? '';
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

  async 'what is inline or foreign is stopped, and this test would notice'(open) {
    const page = await open(GATEWAY, { expected: /policy|Policy|another origin|Failed to fetch/ });
    const ran = await page.evaluate(() => {
      document.head.append(
        Object.assign(document.createElement('script'), { textContent: 'window.inlineRan = true' }),
      );
      return window.inlineRan === true;
    });
    assert.equal(ran, false, 'an inline script ran');
    const fetched = await page.evaluate(() =>
      fetch('http://127.0.0.1:9/').then(
        () => 'yes',
        () => 'no',
      ),
    );
    assert.equal(fetched, 'no');
  },

  async 'in Portuguese: both cards'(open) {
    const page = await open(GATEWAY, { locale: 'pt-BR' });
    assert.equal(await page.getAttribute('html', 'lang'), 'pt-BR');
    await page.getByLabel('Nome').fill('José');
    await page.getByRole('button', { name: 'Chamar /a/hello' }).click();
    await ended(page, 'hello', 'done');
    assert.deepEqual(await json(page, 'hello'), greeting('José'));
    await page.getByLabel('Quantos').fill('3');
    await page.getByLabel('Espera (ms)').fill('0');
    await page.getByRole('button', { name: 'Chamar /b/numbers' }).click();
    await ended(page, 'numbers', 'done');
    assert.deepEqual(await json(page, 'numbers'), numbers(3));
    assert.equal(await result(page, 'numbers').getByRole('status').textContent(), 'HTTP 200 · 3 valores');
    assert.match(await result(page, 'numbers').locator('.clock').textContent(), /\d(,\d+)? m?s$/);
  },

  async 'in English: both cards'(open) {
    const page = await open(GATEWAY, { locale: 'en-US' });
    assert.equal(await page.getAttribute('html', 'lang'), 'en');
    await page.getByLabel('Name').fill('Ann');
    await page.getByRole('button', { name: 'Call /a/hello' }).click();
    await ended(page, 'hello', 'done');
    assert.deepEqual(await json(page, 'hello'), greeting('Ann'));
    await page.getByLabel('How many').fill('1');
    await page.getByLabel('Delay (ms)').fill('0');
    await page.getByRole('button', { name: 'Call /b/numbers' }).click();
    await ended(page, 'numbers', 'done');
    assert.deepEqual(await json(page, 'numbers'), numbers(1));
    assert.equal(await result(page, 'numbers').getByRole('status').textContent(), 'HTTP 200 · 1 value');
  },

  async 'the switch changes every word and is remembered'(open) {
    const page = await open(GATEWAY, { locale: 'pt-BR' });
    await hello(page, 'pspd');
    await page.getByRole('button', { name: 'English' }).click();
    assert.equal(await page.getAttribute('html', 'lang'), 'en');
    assert.equal(await page.getByRole('button', { name: 'English' }).getAttribute('aria-pressed'), 'true');
    assert.equal(await result(page, 'hello').getByRole('status').textContent(), 'HTTP 200 · Answered');
    assert.deepEqual(await json(page, 'hello'), greeting('pspd'), 'the answer stays');
    const english = await page.locator('body').innerText();
    for (const word of [
      ...['Chamar', 'saudação', 'Espera', 'Quantos', 'navegador', 'Estado'],
      ...['Enviar', 'Dizer', 'Números', 'Mensagem', 'cliente', 'não tem', 'esta chamada'],
    ]) {
      assert.ok(!english.includes(word), `"${word}" is left in the English page`);
    }
    await page.reload();
    assert.equal(await page.getAttribute('html', 'lang'), 'en', 'after a reload');
    await page.getByRole('button', { name: 'Português' }).click();
    assert.equal(await page.getAttribute('html', 'lang'), 'pt-BR');
    assert.ok((await page.locator('body').innerText()).includes('Uma saudação'));
  },

  async 'the language is the first one spoken, English when none is'(open) {
    const prefer = (...languages) =>
      `Object.defineProperty(navigator, 'languages', { get: () => ${JSON.stringify(languages)} })`;
    for (const [languages, lang] of [
      [['fr', 'pt-PT', 'en'], 'pt-BR'],
      [['de', 'en-GB', 'pt'], 'en'],
      [['fr', 'ja'], 'en'],
      [[], 'en'],
    ]) {
      const page = await open(GATEWAY, { before: prefer(...languages) });
      assert.equal(await page.getAttribute('html', 'lang'), lang, `navigator.languages = ${languages}`);
    }
  },

  async 'without storage the page works and the switch lasts as long as the page'(open) {
    const page = await open(GATEWAY, {
      before:
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('refused', 'SecurityError'); } })",
    });
    await page.getByRole('button', { name: 'English' }).click();
    assert.equal(await page.getAttribute('html', 'lang'), 'en');
    await hello(page, 'pspd');
  },

  async 'names arrive as typed, and an empty one takes the default'(open) {
    const page = await open(GATEWAY);
    for (const name of ['日本 😀', '<img src=x onerror=alert(1)>', 'a+b&name=c%20"\\', 'x'.repeat(300)]) {
      await hello(page, name);
      assert.deepEqual(await json(page, 'hello'), greeting(name));
    }
    assert.equal(await page.locator('#hello-result img').count(), 0);
    await hello(page, '');
    assert.deepEqual(await json(page, 'hello'), greeting('mundo'));
  },

  async "empty and negative fields are the server's to judge"(open) {
    const page = await open(GATEWAY);
    await countTo(page, '', '');
    assert.deepEqual(await json(page, 'numbers'), numbers(5));
    await countTo(page, -3, -1);
    assert.deepEqual(await json(page, 'numbers'), numbers(STREAMS ? 5 : 0));
  },

  async 'a number that the browser cannot read is not sent'(open) {
    const page = await open(GATEWAY);
    let asked = 0;
    page.on('request', (request) => {
      asked += request.url().includes('/b/numbers') ? 1 : 0;
    });
    await page.fill('#count', '');
    await page.type('#count', '1e');
    await page.click('#numbers');
    await ended(page, 'numbers', 'failed');
    assert.equal(await alert(page, 'numbers').textContent(), '“Quantos” não é um número.');
    assert.equal(asked, 0);
  },

  ...(STREAMS
    ? {
        async 'values arrive one by one, then the whole answer'(open) {
          const page = await open(GATEWAY);
          const seen = await record(page);
          await askNumbers(page, 5, 200);
          await page.waitForSelector('#chain[data-active="b"]', { state: 'attached' });
          assert.equal(await result(page, 'numbers').getAttribute('aria-busy'), 'true');
          await ended(page, 'numbers', 'done');
          assert.equal(await result(page, 'numbers').getAttribute('aria-busy'), 'false');
          const between = new Set(
            (await seen())
              .filter((state) => state.phase === 'running' && !state.json)
              .map((state) => state.values),
          );
          const partial = [...between].filter((n) => n > 0 && n < 5);
          assert.ok(
            partial.length >= 2,
            `at least two states between the first and the last value; seen: ${[...between]}`,
          );
          assert.deepEqual(await page.locator('.values li').allTextContents(), ['1', '2', '3', '4', '5']);
          assert.deepEqual(await json(page, 'numbers'), numbers(5));
          assert.match(
            await result(page, 'numbers').locator('.clock').textContent(),
            /^primeiro .+ · total .+ s$/,
          );
          assert.equal(await page.locator('#chain[data-active]').count(), 0);
        },

        async 'a stream that fails midway keeps its values and shows the error'(open) {
          const lines = [
            '{"from":"B","value":1}',
            '{"from":"B","value":2}',
            '{"error":"service B took too long","status":504,"request_id":"r-42"}',
          ];
          const answer = (response) =>
            response.writeHead(200, { 'content-type': 'application/x-ndjson' }).end(`${lines.join('\n')}\n`);
          await behindProxy(answer, async (url) => {
            const page = await open(url);
            await countTo(page, 5, 0, 'failed');
            assert.deepEqual(await page.locator('.values li').allTextContents(), ['1', '2']);
            const said = await alert(page, 'numbers').innerText();
            for (const part of ['HTTP 504', 'service B took too long', 'r-42'])
              assert.ok(said.includes(part), `"${part}" in: ${said}`);
            assert.equal(
              await result(page, 'numbers').getByRole('status').textContent(),
              'Falhou depois de 2 valores',
            );
            assert.equal(await result(page, 'numbers').locator('.json').isVisible(), false);
          });
        },

        async 'a connection that breaks midway is told as such'(open) {
          const answer = (response) => {
            response.writeHead(200, { 'content-type': 'application/x-ndjson' });
            response.write('{"from":"B","value":1}\n', () => setTimeout(() => response.destroy(), 200));
          };
          await behindProxy(answer, async (url) => {
            const page = await open(url, { expected: BROKEN });
            await countTo(page, 5, 0, 'failed');
            assert.deepEqual(await page.locator('.values li').allTextContents(), ['1']);
            assert.match(await alert(page, 'numbers').innerText(), /interrompida/);
          });
        },
      }
    : {
        async 'the answer comes whole, and the page says so'(open) {
          const page = await open(GATEWAY);
          assert.ok(await page.getByText('REST responde de uma vez').isVisible());
          const seen = await record(page);
          await askNumbers(page, 5, 200);
          await page.waitForSelector('#chain[data-active="b"]', { state: 'attached' });
          assert.equal(
            await result(page, 'numbers').getByRole('status').textContent(),
            'Esperando a resposta inteira…',
          );
          await ended(page, 'numbers', 'done');
          const early = (await seen()).filter(
            (state) => state.phase === 'running' && (state.json || state.values > 0),
          );
          assert.deepEqual(early, [], 'something was shown before the end');
          assert.deepEqual(await json(page, 'numbers'), numbers(5));
          await page.getByRole('button', { name: 'English' }).click();
          assert.ok(await page.getByText('REST answers whole').isVisible());
        },
      }),

  async 'each kind of call is explained in a sentence and drawn'(open) {
    const page = await open(GATEWAY, { locale: 'en-US' });
    const cards = page.locator('.card');
    assert.equal(await cards.count(), 4);
    for (const card of await cards.all()) {
      const sentences = await card.locator('.about').filter({ visible: true }).allTextContents();
      assert.equal(sentences.length, 1, `${sentences}`);
      assert.match(sentences[0], /\.$/);
      const drawing = card.getByRole('img');
      assert.match(await drawing.getAttribute('aria-label'), /^Drawing: .*\.$/);
      const { width, height } = await drawing.boundingBox();
      assert.ok(width > 150 && height > 50, `a drawing of ${width} x ${height}`);
    }
  },

  ...(STREAMS
    ? {
        async 'numbers are sent as lines, and one answer comes'(open) {
          const page = await open(GATEWAY);
          const sent = [];
          await page.route('**/b/statistics', async (route) => {
            const request = route.request();
            sent.push([request.method(), request.headers()['content-type'], request.postData()]);
            await route.fulfill({ json: { from: 'B', count: '3', sum: 4.5 } });
          });
          await page.getByLabel('Números, separados').fill(' 1  2,5;\t1e0, ');
          await page.getByRole('button', { name: 'Enviar /b/statistics' }).click();
          await ended(page, 'statistics', 'done');
          const lines = '{"value":1}\n{"value":2.5}\n{"value":1}\n';
          assert.deepEqual(sent, [['POST', 'application/x-ndjson', lines]]);
          assert.deepEqual(await json(page, 'statistics'), { from: 'B', count: '3', sum: 4.5 });
          await page.getByLabel('Números, separados').fill('1 dois 3');
          await page.keyboard.press('Enter');
          await ended(page, 'statistics', 'failed');
          assert.equal(await alert(page, 'statistics').textContent(), '“dois” não é um número.');
          assert.equal(sent.length, 1, 'what is no number is not sent');
        },

        async 'a conversation is said, answered and ended'(open) {
          const { page, heard } = await talking(open, echo());
          assert.equal(await page.locator('#echo-end').isVisible(), false);
          await page.getByLabel('Mensagem', { exact: true }).fill('olá');
          await page.getByRole('button', { name: 'Dizer /b/echo' }).click();
          await page.waitForSelector('#chain[data-active="b"]', { state: 'attached' });
          await say(page, '日本 <b>');
          await page.locator('.talk li').nth(1).waitFor();
          assert.deepEqual(await said(page), ['olá', '日本 <b>']);
          assert.deepEqual(await totals(page), ['1 mensagem · 4 bytes', '2 mensagens · 14 bytes']);
          const status = result(page, 'echo').getByRole('status');
          assert.equal(await status.textContent(), 'Conversa aberta · 2 respostas');
          await page.getByRole('button', { name: 'English' }).click();
          assert.equal(await status.textContent(), 'Conversation open · 2 answers');
          assert.deepEqual(await totals(page), ['1 message · 4 bytes', '2 messages · 14 bytes']);
          await page.getByRole('button', { name: 'End', exact: true }).click();
          await ended(page, 'echo', 'done');
          assert.deepEqual(heard, ['{"text":"olá"}', '{"text":"日本 <b>"}', '']);
          assert.equal(await status.textContent(), 'OK · 2 answers');
          assert.deepEqual(await json(page, 'echo'), { '@status': { code: 0, message: '' } });
          assert.equal(await page.evaluate(() => document.activeElement.id), 'text', 'the focus is not lost');
          // And another one, from the keyboard.
          await page.keyboard.press('Enter');
          await page.locator('.talk li').first().waitFor();
          assert.equal((await said(page)).length, 1, 'the one before is gone');
          await page.keyboard.press('Escape');
          await ended(page, 'echo', 'cancelled');
          assert.equal(await status.textContent(), 'Cancelled after 1 answer');
        },

        async 'a conversation that the service ends is told with its status'(open) {
          const refusal = { '@status': { code: 3, message: 'more than 1 message', details: [] } };
          const { page } = await talking(open, (frame, socket) => {
            if (frame === '{"text":"cut"}') {
              socket.close({ code: 4014, reason: 'UNAVAILABLE: service B has gone' });
            } else {
              socket.send(JSON.stringify(refusal));
              socket.close({ code: 4003, reason: 'INVALID_ARGUMENT: more than' });
            }
          });
          await say(page, 'x');
          await ended(page, 'echo', 'failed');
          const told = alert(page, 'echo');
          assert.deepEqual(await told.locator('p').allTextContents(), [
            'gRPC 3 · INVALID_ARGUMENT',
            'more than 1 message',
          ]);
          assert.deepEqual(await json(page, 'echo'), refusal);
          await say(page, 'cut');
          await ended(page, 'echo', 'failed');
          assert.deepEqual(await told.locator('p').allTextContents(), [
            'gRPC 14 · UNAVAILABLE',
            'service B has gone',
          ]);
          assert.equal(await result(page, 'echo').locator('.json').isVisible(), false);
        },

        async 'a long conversation shows its last thousand answers'(open) {
          const answers = 1_500;
          const { page } = await talking(open, (frame, socket) => {
            for (let n = 1; n <= answers; n += 1)
              socket.send(JSON.stringify({ text: `${n}`, messages: `${n}`, bytes: '0' }));
          });
          await say(page, 'x');
          await page.waitForFunction(
            (last) => document.querySelector('.talk li:last-child .text')?.textContent === last,
            `${answers}`,
          );
          assert.equal((await said(page)).length, 1_000);
          assert.equal(
            await result(page, 'echo').locator('.earlier').textContent(),
            'Mostrando as últimas 1.000; 500 respostas antes destas.',
          );
        },

        async 'through the gateway: numbers as they are sent, and their refusal'(open) {
          const page = await open(GATEWAY, { expected: REFUSED });
          await page.fill('#samples', '2 4 4 4 5 5 7 9');
          await page.click('#statistics');
          await ended(page, 'statistics', 'done');
          const { standardDeviation, ...rest } = await json(page, 'statistics');
          assert.deepEqual(rest, { from: 'B', count: '8', sum: 40, mean: 5, min: 2, max: 9 });
          assert.ok(Math.abs(standardDeviation - Math.sqrt(32 / 7)) < 1e-12, `${standardDeviation}`);
          await page.fill('#samples', '');
          await page.keyboard.press('Enter');
          await ended(page, 'statistics', 'done');
          assert.equal((await json(page, 'statistics')).count, '0');
          await page.fill('#samples', '1e308 1e308');
          await page.keyboard.press('Enter');
          await ended(page, 'statistics', 'failed');
          assert.match(await alert(page, 'statistics').innerText(), /^HTTP 400[^]*value 1 of the stream/);
        },

        async 'through the gateway: a conversation, message by message'(open) {
          const page = await open(GATEWAY);
          for (const text of ['olá', '', '日本 😀']) await say(page, text);
          await page.locator('.talk li').nth(2).waitFor();
          assert.deepEqual(await said(page), ['olá', '', '日本 😀']);
          assert.deepEqual(await totals(page), [
            '1 mensagem · 4 bytes',
            '2 mensagens · 4 bytes',
            '3 mensagens · 15 bytes',
          ]);
          await page.click('#echo-end');
          await ended(page, 'echo', 'done');
          assert.equal(await result(page, 'echo').getByRole('status').textContent(), 'OK · 3 respostas');
          assert.equal((await json(page, 'echo'))['@status'].code, 0);
          await say(page, 'outra');
          await page.locator('.talk li').waitFor();
          await page.keyboard.press('Escape');
          await ended(page, 'echo', 'cancelled');
        },

        async 'through the gateway: a service that is down ends the conversation'(open) {
          const page = await open(DOWN);
          await say(page, 'x');
          await ended(page, 'echo', 'failed');
          assert.match(await alert(page, 'echo').innerText(), /^gRPC 14 · UNAVAILABLE\s+\S+/);
        },

        async 'on a phone a conversation fits'(open) {
          const options = { viewport: PHONE, hasTouch: true, isMobile: true };
          const { page } = await talking(open, echo(), options);
          await say(page, 'w'.repeat(400));
          await page.locator('.talk li').waitFor();
          await assertFits(page, 'with a long message');
        },
      }
    : {
        async 'calls that REST does not have are told as such and disabled'(open) {
          const page = await open(GATEWAY);
          for (const card of ['statistics', 'echo']) {
            assert.ok(await page.locator(`#${card}`).isDisabled());
            const whole = page.locator('.card', { has: page.locator(`#${card}`) });
            assert.match(await whole.locator('.about').filter({ visible: true }).textContent(), /^REST não tem/);
            assert.equal(await whole.locator('input:enabled').count(), 0);
          }
          await page.getByRole('button', { name: 'English' }).click();
          assert.equal(await page.getByText('REST has no such call').filter({ visible: true }).count(), 2);
        },
      }),

  async '100,000 values: the last thousand and how many came before'(open) {
    const page = await open(GATEWAY);
    const seen = await record(page);
    await countTo(page, 100_000, 0);
    assert.equal(
      await result(page, 'numbers').getByRole('status').textContent(),
      'HTTP 200 · 100.000 valores',
    );
    const most = Math.max(...(await seen()).map((state) => state.values));
    assert.ok(most <= 1000, `${most} values were in the page at once`);
    const text = await result(page, 'numbers').locator('.json').textContent();
    assert.match(text, /… 99\.000 valores antes destes …\n {4}99001,/);
    assert.ok(text.trimEnd().endsWith('100000\n  ]\n}'), text.slice(-60));
    if (STREAMS) assert.equal(await page.locator('.values li').last().textContent(), '100000');
    await hello(page, 'depois');
  },

  async 'a call is cancelled by its button and by Escape'(open) {
    const page = await open(GATEWAY);
    const cancel = page.locator('#numbers-cancel');
    assert.equal(await cancel.isVisible(), false);
    await askNumbers(page, 200, 100);
    if (STREAMS) await page.locator('.values li').nth(1).waitFor();
    await cancel.click();
    await ended(page, 'numbers', 'cancelled');
    assert.match(await result(page, 'numbers').getByRole('status').textContent(), /^Cancelado/);
    assert.equal(await alert(page, 'numbers').textContent(), '', 'a cancelled call is no error');
    assert.equal(await cancel.isVisible(), false);
    assert.equal(await page.evaluate(() => document.activeElement.id), 'numbers', 'the focus is not lost');
    await askNumbers(page, 200, 100);
    await cancel.waitFor();
    await page.keyboard.press('Escape');
    await ended(page, 'numbers', 'cancelled');
    await countTo(page, 2, 0);
    assert.deepEqual(await json(page, 'numbers'), numbers(2));
  },

  async "the server's refusal is shown: status, reason, request id"(open) {
    const page = await open(GATEWAY, { expected: REFUSED });
    await countTo(page, 1, 60_001, 'failed');
    assert.match(
      await alert(page, 'numbers').innerText(),
      /^HTTP 4\d\d · Um parâmetro foi recusado\.\s[^]*delay_ms[^]*Requisição \S+$/,
    );
    await countTo(page, 1_000_001, 0, 'failed');
    assert.match(await alert(page, 'numbers').innerText(), /^HTTP 4\d\d · [^]*Requisição \S+$/);
    const colour = await alert(page, 'numbers')
      .locator('.what')
      .evaluate((element) => getComputedStyle(element).color.match(/\d+/g).map(Number));
    assert.ok(colour[0] > 2 * colour[1] && colour[0] > 2 * colour[2], `an error is red, not rgb(${colour})`);
    assert.equal(await result(page, 'numbers').locator('.json').isVisible(), false);
    await countTo(page, 2, 0);
    assert.equal(await alert(page, 'numbers').textContent(), '', 'the error goes with the next call');
  },

  async 'services that are down are told as an error'(open) {
    const page = await open(DOWN, { expected: UNAVAILABLE });
    await hello(page, 'pspd', 'failed');
    await countTo(page, 5, 0, 'failed');
    for (const card of ['hello', 'numbers']) {
      assert.ok(await alert(page, card).isVisible());
      const said = await alert(page, card).innerText();
      assert.match(said, /HTTP 50[234] · O serviço/);
      assert.ok(
        (await alert(page, card).locator('.said').innerText()).length > 10,
        `the reason is told: ${said}`,
      );
      assert.match(said, /Requisição \S+/);
    }
    await page.getByRole('button', { name: 'English' }).click();
    assert.match(await alert(page, 'hello').innerText(), /HTTP 50[234] · The service/);
  },

  async 'a gateway that does not answer is told in words'(open) {
    const page = await open(GATEWAY, { expected: /Failed to load resource: net::ERR_CONNECTION_REFUSED/ });
    await page.route(/\/(a|b)\//, (route) => route.abort('connectionrefused'));
    await hello(page, 'pspd', 'failed');
    await countTo(page, 5, 0, 'failed');
    for (const card of ['hello', 'numbers'])
      assert.match(await alert(page, card).innerText(), /O gateway não responde\./);
    await page.getByRole('button', { name: 'English' }).click();
    assert.match(await alert(page, 'hello').innerText(), /The gateway does not answer\./);
  },

  async 'everything works from the keyboard, with the focus in sight'(open) {
    const page = await open(GATEWAY);
    const focused = () =>
      page.evaluate(
        () => document.activeElement.id || document.activeElement.lang || document.activeElement.className,
      );
    const tabTo = async (wanted) => {
      const passed = [];
      for (let presses = 0; presses < 20; presses += 1) {
        await page.keyboard.press('Tab');
        passed.push(await focused());
        const outline = await page.evaluate(
          () =>
            document.activeElement !== document.body && getComputedStyle(document.activeElement).outlineStyle,
        );
        assert.notEqual(outline, 'none', `no visible focus on ${passed.at(-1)}`);
        if (passed.at(-1) === wanted) return;
      }
      assert.fail(`Tab never reached ${wanted}: ${passed}`);
    };
    await tabTo('en');
    await page.keyboard.press('Enter');
    assert.equal(await page.getAttribute('html', 'lang'), 'en');
    await tabTo('name');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('Ada');
    await page.keyboard.press('Enter');
    await ended(page, 'hello', 'done');
    assert.deepEqual(await json(page, 'hello'), greeting('Ada'));
    await tabTo('count');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('200');
    await tabTo('delay');
    await page.keyboard.press('Enter');
    await tabTo('numbers-cancel');
    await page.keyboard.press('Space');
    await ended(page, 'numbers', 'cancelled');
  },

  async 'on a phone nothing scrolls sideways, in either language'(open) {
    const page = await open(GATEWAY, { viewport: PHONE, hasTouch: true, isMobile: true });
    for (const language of ['Português', 'English']) {
      await page.getByRole('button', { name: language }).click();
      await assertFits(page, `${language}, at rest`);
      await hello(page, 'w'.repeat(400));
      await countTo(page, 2_000, 0);
      await assertFits(page, `${language}, with long answers`);
    }
    const down = await open(DOWN, { viewport: PHONE, isMobile: true, expected: UNAVAILABLE });
    await hello(down, 'pspd', 'failed');
    await countTo(down, 5, 0, 'failed');
    await assertFits(down, 'with errors');
    const small = await page.evaluate(() =>
      [...document.querySelectorAll('button:not([hidden]), input')]
        .filter((element) => element.getBoundingClientRect().height < 40)
        .map((element) => element.id || element.lang),
    );
    assert.deepEqual(small, [], 'too small for a thumb');
  },

  async 'light, dark and still'(open) {
    const paper = (page) =>
      page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number)[0]);
    const light = await open(GATEWAY, { colorScheme: 'light' });
    const dark = await open(GATEWAY, { colorScheme: 'dark', reducedMotion: 'reduce' });
    assert.ok((await paper(light)) > 200, 'light paper');
    assert.ok((await paper(dark)) < 60, 'dark paper');
    await countTo(dark, 2, 0);
    const moving = await dark.evaluate(
      () =>
        [...document.querySelectorAll('*')].filter(
          (element) => getComputedStyle(element).animationName !== 'none',
        ).length,
    );
    assert.equal(moving, 0, 'nothing moves for who asked for stillness');
  },
};

await run(tests);
