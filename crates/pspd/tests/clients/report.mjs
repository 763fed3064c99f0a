// The page of a run in a real Chromium: opened from a file, it asks for nothing, complains of nothing, and shows both languages.
//
// Run: NODE_MODULES=.../node_modules CHROMIUM=/usr/bin/chromium REPORT=/path/to/report.html node report.mjs
// Prints `ok NAME` lines; exits 1 at the first failure, 64 when a variable is missing.

import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';
import { assertFits, required, run } from './support.mjs';

const REPORT = pathToFileURL(required('REPORT')).href;
const LANGUAGES = [
  { label: 'English', lang: 'en', verdicts: 'Findings' },
  { label: 'Português', lang: 'pt-BR', verdicts: 'Resultados' },
];

const shown = (page, { lang }) => page.locator(`main[lang="${lang}"]`);

await run({
  async 'it is one file that asks for nothing else'(open) {
    const page = await open(REPORT);
    const asked = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.reload();
    assert.deepEqual(asked, [REPORT]);
  },

  async 'it is readable in both languages, one at a time'(open) {
    const page = await open(REPORT);
    for (const language of LANGUAGES) {
      await page.getByText(language.label, { exact: true }).click();
      for (const other of LANGUAGES) {
        assert.equal(await shown(page, other).isVisible(), other === language, `${other.lang} beside ${language.lang}`);
      }
      await shown(page, language).getByRole('heading', { name: language.verdicts }).waitFor();
    }
  },

  async 'every chart is drawn and has its data beside it'(open) {
    const page = await open(REPORT);
    const charts = shown(page, LANGUAGES[0]).locator('figure');
    const count = await charts.count();
    assert.ok(count >= 3, `${count} charts`);
    for (const chart of await charts.all()) {
      const box = await chart.locator('svg[role="img"]').boundingBox();
      assert.ok(box.width > 200 && box.height > 100, JSON.stringify(box));
      await chart.locator('summary').click();
      assert.ok((await chart.locator('table tbody tr').count()) > 0);
    }
  },

  async 'every link leads to a place on the page'(open) {
    const page = await open(REPORT);
    for (const link of await page.locator('a[href]').all()) {
      const href = await link.getAttribute('href');
      if (!href.startsWith('#')) continue;
      assert.equal(await page.locator(href).count(), 1, href);
    }
  },

  async 'it fits a phone, in the dark as well'(open) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await open(REPORT, { viewport: { width: 390, height: 800 }, colorScheme });
      await assertFits(page, colorScheme);
    }
  },
});
