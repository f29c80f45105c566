import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allCharts } from '../../orchestrator/reports/figures/all-charts.js';
import { figurePdf } from '../../orchestrator/reports/figures/figure-pdf.js';
import { figureSvg } from '../../orchestrator/reports/figures/figure-svg.js';
import type { LineChart } from '../../orchestrator/reports/figures/line-chart.js';
import { writeReport } from '../../orchestrator/reports/write-report.js';
import { temporaryFolder } from '../support/dss.js';
import { attributeOf, named, parsedFragment, textOf } from '../support/markup.js';
import { reportParts, reportRecords } from '../support/report-sweep.js';

const MADE_AT = Date.UTC(2026, 0, 2, 3, 4, 5);

function chartOf(place: number, model = 'tiny'): LineChart {
  const { report } = reportParts(reportRecords(model));
  const chart = allCharts(report, () => [
    { step: 50, accuracy: 0.25 },
    { step: 100, accuracy: 0.5 },
  ])[place];
  assert.ok(chart);
  return chart;
}

async function pdfOf(chart: LineChart): Promise<string> {
  return Buffer.from(await figurePdf(chart, MADE_AT)).toString('latin1');
}

/** What it writes on its page, in order, as a reader finds it. Kerned words come in pieces with the room between them. */
function wordsOf(pdf: string): readonly string[] {
  const [, letters = ''] = /beginbfrange\n<0000> <[0-9a-f]{4}> \[(.*)\]\nendbfrange/.exec(pdf) ?? [];
  const byGlyph = letters.split(' ').map((hex) => Buffer.from(hex.slice(1, -1), 'hex').swap16().toString('utf16le'));
  return [...pdf.matchAll(/\[([^\]]*)\] TJ/g)].map(([, pieces = '']) => {
    const glyphs = [...pieces.matchAll(/<([0-9a-f]*)>/g)].flatMap(([, hex = '']) => hex.match(/.{4}/g) ?? []);
    return glyphs.map((glyph) => byGlyph[Number.parseInt(glyph, 16)]).join('');
  });
}

describe('a figure as PDF', () => {
  for (const place of [0, 1]) {
    it(`has the marks and the words of its SVG: figure ${place}`, async () => {
      const pdf = await pdfOf(chartOf(place));
      const elements = parsedFragment(figureSvg(chartOf(place)));
      assert.deepEqual(wordsOf(pdf), named(elements, 'text').map(textOf));
      // Nothing else is round, and each circle is made of four curves.
      assert.equal(pdf.match(/ c$/gm)?.length, 4 * named(elements, 'circle').length);
      const paths = named(elements, 'path').map((path) => attributeOf(path, 'd') ?? '');
      const straight = named(elements, 'line').length + (paths.join('').match(/[LHV]/g)?.length ?? 0);
      assert.equal(pdf.match(/ l$/gm)?.length, straight);
    });
  }

  it('brings its font with it', async () => {
    const pdf = await pdfOf(chartOf(0));
    assert.match(pdf, /\/FontFile2 /);
    // Six letters and a plus are the sign of a font that is there in part.
    const fonts = pdf.match(/\/BaseFont \S+/g) ?? [];
    assert.ok(
      fonts.length > 0 && fonts.every((each) => /^\/BaseFont \/[A-Z]{6}\+Arimo-Regular$/.test(each)),
      fonts.join(),
    );
  });

  it('has one page, no picture of pixels, and a table of its parts where it says', async () => {
    const pdf = await pdfOf(chartOf(0));
    assert.match(pdf, /^%PDF-1\.\d/);
    assert.equal(pdf.match(/\/Type \/Page\n/g)?.length, 1);
    assert.doesNotMatch(pdf, /\/Subtype \/Image/);
    const [, offset] = /startxref\n(\d+)\n%%EOF/.exec(pdf) ?? [];
    assert.equal(pdf.slice(Number(offset), Number(offset) + 4), 'xref');
  });

  it('is of the day of its results, and the same bytes each time', async () => {
    const first = await pdfOf(chartOf(0));
    assert.equal(await pdfOf(chartOf(0)), first);
    assert.match(first, /\(D:20260102030405Z\)/);
  });

  it('names signs that its font does not have by their numbers', async () => {
    const chart = chartOf(1);
    const name = 'Teacher 模 é − α';
    const pdf = await pdfOf({ ...chart, series: chart.series.map((series) => ({ ...series, name })) });
    assert.equal(wordsOf(pdf).filter((words) => words === 'Teacher [U+6A21] é − [U+03B1]').length, 6);
  });

  it('is written with the day on which the last of its trials ended', async () => {
    using folder = temporaryFolder();
    const records = reportRecords().map((record, place) => ({
      ...record,
      endedAtUnixMs: MADE_AT - 86_400_000 * place,
    }));
    await writeReport(folder.path, reportParts(records));
    assert.match(readFileSync(join(folder.path, 'figures/data-0.pdf'), 'latin1'), /\(D:20260102030405Z\)/);
  });
});
