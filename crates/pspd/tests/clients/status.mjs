// The status page in a real Chromium: what a person sees of services and routes, in both languages, on a phone and a desktop.
//
// Run: NODE_MODULES=.../node_modules CHROMIUM=/usr/bin/chromium GATEWAY_URL=http://127.0.0.1:8080 UPSTREAMS=A,B
//      SHOTS=/tmp/shots node status.mjs
// UPSTREAMS are the services that are up, the last of which is down; SHOTS, if set, is where pictures go.
// Prints `ok NAME` lines; exits 1 at the first failure, 64 when a variable is missing.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { assertFits, required, run } from './support.mjs';

const GATEWAY = required('GATEWAY_URL').replace(/\/$/, '');
const [UP, DOWN] = required('UPSTREAMS').split(',');
const PHONE = { width: 360, height: 740 };
const DESKTOP = { width: 1280, height: 900 };
const STATUS = `${GATEWAY}/status`;

const live = (page) => page.waitForSelector('#live[data-state=live]');
const cells = (page, route) => page.locator(`#routes tr[data-name="${route}"] td`).allTextContents();

async function shot(page, name) {
  if (process.env.SHOTS) await page.screenshot({ path: join(process.env.SHOTS, `${name}.png`), fullPage: true });
}

await run({
  'services are told to be up or down': async (open) => {
    // P-REST knows when it has asked.
    assert.ok((await fetch(`${GATEWAY}/b/numbers`)).status >= 500);
    const page = await open(STATUS);
    await live(page);
    await page.waitForSelector(`.upstream[data-name="${UP}"][data-up=true]`);
    await page.waitForSelector(`.upstream[data-name="${DOWN}"][data-up=false]`);
    assert.match(await page.locator(`.upstream[data-name="${UP}"] .health`).innerText(), /no ar/);
  },

  'what is asked shows as it happens': async (open) => {
    const page = await open(STATUS, { locale: 'en-US' });
    await live(page);
    const before = Number((await cells(page, 'GET /a/hello')).at(-1) ?? 0);
    for (let i = 0; i < 20; i++) assert.equal((await fetch(`${GATEWAY}/a/hello?name=x`)).status, 200);
    await page.waitForFunction(
      ([route, total]) => {
        const found = document.querySelectorAll(`#routes tr[data-name="${route}"] td`);
        return found.length === 5 && Number(found[4].textContent) >= total && Number(found[0].textContent) > 0;
      },
      ['GET /a/hello', before + 20],
    );
    const [, p50, p99, failed] = await cells(page, 'GET /a/hello');
    assert.match(p50, /^[\d.]+ m?s$/);
    assert.match(p99, /^[\d.]+ m?s$/);
    assert.equal(failed, '0 %');
    assert.notEqual(await page.locator(`.upstream[data-name="${UP}"] .rate`).innerText(), '0');
    await shot(page, 'desktop');
  },

  'what fails shows as failing': async (open) => {
    const page = await open(STATUS, { locale: 'en-US' });
    await live(page);
    for (let i = 0; i < 5; i++) assert.ok((await fetch(`${GATEWAY}/b/numbers`)).status >= 500);
    await page.waitForSelector('#routes tr[data-name="GET /b/numbers"] td.failing');
    const [, , , failed] = await cells(page, 'GET /b/numbers');
    assert.equal(failed, '100 %');
  },

  'both languages, and the choice is kept': async (open) => {
    const page = await open(STATUS);
    await live(page);
    assert.equal(await page.locator('h1').innerText(), 'Estado');
    await page.click('#lang button[lang=en]');
    assert.equal(await page.locator('h1').innerText(), 'Status');
    assert.match(await page.locator('#live').innerText(), /^Live/);
    await page.reload();
    await live(page);
    assert.equal(await page.locator('h1').innerText(), 'Status');
  },

  'fits a phone and a desktop': async (open) => {
    for (const [name, viewport] of [['phone', PHONE], ['wide', DESKTOP]]) {
      const page = await open(STATUS, { viewport, colorScheme: name === 'phone' ? 'dark' : 'light' });
      await live(page);
      await page.waitForSelector('#routes tbody tr');
      await assertFits(page, name);
      await shot(page, name);
    }
  },

  'the first page leads there': async (open) => {
    const page = await open(GATEWAY);
    await page.click('footer a[href="/status"]');
    await live(page);
  },
});
