import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeReport } from '../../orchestrator/reports/write-report.js';
import { temporaryFolder } from '../support/dss.js';
import { attributeOf, type Element, elementsBelow, named, parsedPage, textOf } from '../support/markup.js';
import { reportParts, reportRecords } from '../support/report-sweep.js';

const NASTY = `a<b>&"'</svg><script>alert(1)</script><img src=x onerror=alert(1)>`;

describe('report.html', () => {
  const folder = temporaryFolder();
  let elements: readonly Element[] = [];
  before(async () => {
    const { page } = await writeReport(folder.path, reportParts(reportRecords(NASTY)));
    elements = parsedPage(readFileSync(page, 'utf8'));
  });
  after(() => folder[Symbol.dispose]());

  it('has a language, a title, one first heading, and no level of headings left out', () => {
    assert.equal(attributeOf(named(elements, 'html')[0] as Element, 'lang'), 'en');
    assert.ok(named(elements, 'title').map(textOf)[0]?.startsWith('s: '));
    const levels = named(elements, 'h1', 'h2', 'h3', 'h4').map(({ tagName }) => Number(tagName[1]));
    assert.deepEqual([levels[0], levels.filter((level) => level === 1).length], [1, 1]);
    for (const [place, level] of levels.entries()) assert.ok(level <= (levels[place - 1] ?? 0) + 1, levels.join(' '));
  });

  it('says the answer before anything else', () => {
    const [section] = named(elements, 'section');
    assert.equal(attributeOf(section as Element, 'aria-label'), 'The answer');
    assert.match(textOf(section as Element), /step-by-step/);
  });

  it('has ids that are unique, and every link and label finds its own', () => {
    const ids = elements.map((each) => attributeOf(each, 'id')).filter((id) => id !== null);
    assert.deepEqual(ids, [...new Set(ids)]);
    const wanted = elements.flatMap((each) => [
      ...(attributeOf(each, 'aria-labelledby')?.split(' ') ?? []),
      ...(attributeOf(each, 'href')
        ?.match(/^#(.*)$/)
        ?.slice(1) ?? []),
    ]);
    assert.ok(wanted.length > 10);
    for (const id of wanted) assert.ok(ids.includes(id), id);
  });

  it('has words for every chart', () => {
    const charts = named(elements, 'svg');
    assert.equal(charts.length, 2);
    for (const chart of charts) {
      assert.equal(attributeOf(chart, 'role'), 'img');
      const [title, desc] = ['title', 'desc'].map((name) => named(elementsBelow(chart), name));
      assert.ok(title?.length === 1 && desc?.length === 1);
      assert.ok(textOf(title[0] as Element).length > 20 && textOf(desc[0] as Element).length > 20);
    }
  });

  it('has a caption and column headers for every table, and a cell for each header in every row', () => {
    const tables = named(elements, 'table');
    assert.ok(tables.length >= 6);
    for (const table of tables) {
      const below = elementsBelow(table);
      assert.equal(named(below, 'caption').length, 1);
      const headers = named(below, 'th');
      assert.ok(headers.length > 0 && headers.every((each) => attributeOf(each, 'scope') === 'col'));
      assert.ok(headers.every((each) => textOf(each).trim() !== ''));
      const body = named(below, 'tbody').flatMap(elementsBelow);
      for (const row of named(body, 'tr')) assert.equal(named(elementsBelow(row), 'td').length, headers.length);
    }
  });

  it('runs nothing and fetches nothing', () => {
    const foreign = ['script', 'link', 'iframe', 'object', 'embed', 'form', 'img', 'base'];
    assert.deepEqual(named(elements, ...foreign), []);
    const attributes = elements.flatMap(({ attrs }) => attrs);
    assert.deepEqual(
      attributes.filter(
        ({ name, value }) => name.startsWith('on') || name === 'src' || /(^|\s)(https?:)?\/\//.test(value),
      ),
      [],
    );
    assert.doesNotMatch(named(elements, 'style').map(textOf).join(), /@import|url\(/);
  });

  it('shows names as they are, whatever signs they have', () => {
    assert.ok(named(elements, 'caption').some((caption) => textOf(caption).includes(`model ${NASTY}`)));
    assert.ok(
      named(elements, 'desc', 'title')
        .map(textOf)
        .some((text) => text.includes(NASTY)),
    );
  });

  it('says a setting that is the same in every row once, and has columns for those that differ', () => {
    const [accuracy] = named(elements, 'table').filter((each) => textOf(each).startsWith('Test accuracy. In all rows'));
    assert.ok(accuracy);
    const titles = named(elementsBelow(accuracy), 'th').map(textOf);
    assert.deepEqual(titles.slice(0, 2), ['model_type', 'subsample']);
    assert.match(textOf(named(elementsBelow(accuracy), 'caption')[0] ?? accuracy), /dataset cqa, label_type gt/);
  });

  it('hides no part of a table: titles go over lines, and a wider table scrolls under a shadow', () => {
    const style = named(elements, 'style').map(textOf).join();
    assert.match(style, /^th \{ white-space: normal;/m);
    assert.match(style, /^\.scroll \{ overflow-x: auto;[^}]*linear-gradient\([^}]*scroll; \}/m);
    for (const table of named(elements, 'table')) {
      assert.ok(
        named(elements, 'div').some(
          (div) => attributeOf(div, 'class') === 'scroll' && elementsBelow(div).includes(table),
        ),
      );
    }
  });

  it('links to files that lie beside it', () => {
    const files = named(elements, 'a')
      .map((each) => attributeOf(each, 'href') ?? '')
      .filter((href) => !href.startsWith('#'));
    assert.ok(files.includes('figures/data-0.csv') && files.includes('figures/learning-0.csv'), files.join());
    for (const file of files) assert.ok(existsSync(join(folder.path, file)), file);
  });
});
