// What the tests written in JavaScript share: their settings, a real Chromium, a page that is watched, and tests that say ok or stop.
//
// In: CHROMIUM (path of the browser) and NODE_MODULES (folder that holds playwright-core). Out: `ok NAME` for each
// test; the first failure is told on standard error and ends the process with 1. Nothing is retried: a test that
// needs luck to pass says nothing.

import { createRequire } from 'node:module';
import { join } from 'node:path';

const WAIT_MS = 15_000;
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export function required(name) {
  const value = process.env[name];
  if (value) return value;
  console.error(`${name} is not set; see the first lines of ${process.argv[1]}`);
  process.exit(64);
}

export function load(packageName) {
  return createRequire(join(required('NODE_MODULES'), 'any.js'))(packageName);
}

// Runs the tests, an object of name -> async (open) => ..., one after the other in one browser, each in contexts
// of its own. `open(url, options)` gives a watched page; all are checked and closed when the test ends.
export async function run(tests) {
  const { chromium } = load('playwright-core');
  const browser = await chromium.launch({
    executablePath: required('CHROMIUM'),
    headless: true,
    args: ARGUMENTS,
  });
  for (const [name, test] of Object.entries(tests)) {
    const watched = [];
    try {
      await test(async (url, options) => {
        const one = await watch(browser, url, options);
        watched.push(one);
        return one.page;
      });
      watched.forEach((one) => one.check());
      console.log(`ok ${name}`);
    } catch (error) {
      console.error(`not ok ${name}\n${error.stack ?? error}`);
      const noticed = watched.flatMap((one) => one.complaints);
      if (noticed.length > 0) console.error(`noticed in the browser:\n  ${noticed.join('\n  ')}`);
      // A page that hangs does not close either; the browser ends with this process.
      process.exit(1);
    }
    await Promise.all(watched.map((one) => one.page.context().close()));
  }
  await browser.close();
}

// Opens a page and takes note of whatever a clean page never does. options: those of a Playwright context, and
//   expected  a pattern of complaints that the test provokes on purpose
//   before    a script run before the page's own
async function watch(browser, url, { expected, before, ...context } = {}) {
  const page = await (await browser.newContext({ locale: 'pt-BR', ...context })).newPage();
  page.setDefaultTimeout(WAIT_MS);
  const complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()))
      complaints.push(`console ${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error}`));
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== 'data:' && origin !== new URL(url).origin)
      complaints.push(`request to another origin: ${request.url()}`);
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`policy violation: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  if (before) await page.addInitScript(before);
  await page.goto(url);
  const check = () => {
    const unexpected = complaints.filter((complaint) => !expected?.test(complaint));
    if (unexpected.length > 0) throw new Error(`the page is not clean:\n  ${unexpected.join('\n  ')}`);
    if (expected && complaints.length === 0)
      throw new Error(`the browser was to complain of ${expected} and did not`);
  };
  return { page, complaints, check };
}

// The page fits its viewport: nothing scrolls sideways.
export async function assertFits(page, when) {
  const [content, viewport] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  if (content > viewport)
    throw new Error(`${when}: the page is ${content} px wide in a viewport of ${viewport} px`);
}
