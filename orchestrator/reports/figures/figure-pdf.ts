/**
 * A figure as a PDF file of vectors, for `\includegraphics`: the marks of its SVG.
 * The same figure gives the same bytes: its date is that of the results, and its streams are not compressed, since another
 * version of zlib would compress them otherwise.
 */
import PDFDocument from 'pdfkit';
import { grouped } from '../grouped.js';
import { colourOf, type Ink, LIGHT, LOOKS, type Look } from './chart-style.js';
import { figureOf } from './figure.js';
import type { LineChart } from './line-chart.js';
import type { Mark } from './marks.js';
import { drawnText, pdfFont } from './pdf-font.js';

/** Of CSS in points, so that it is as large as the SVG. */
const POINTS_PER_PIXEL = 0.75;
/** Read once, for all figures. */
let font: Uint8Array | null = null;

export async function figurePdf(chart: LineChart, madeAtUnixMs: number): Promise<Uint8Array> {
  const { width, height, groups } = figureOf(chart);
  const document = new PDFDocument({
    size: [width * POINTS_PER_PIXEL, height * POINTS_PER_PIXEL],
    margin: 0,
    compress: false,
    // None: Helvetica would be read for nothing.
    font: '',
    displayTitle: true,
    info: { Title: chart.title, Subject: chart.description, Creator: 'dss', CreationDate: new Date(madeAtUnixMs) },
  });
  const pieces = collected(document);
  font ??= pdfFont();
  document.scale(POINTS_PER_PIXEL).font(font);
  for (const { series, marks } of groups) {
    const colour = (ink: Ink) => LIGHT[ink === 'series' ? colourOf(series ?? 0) : ink];
    // A look is set once for all that have it: a figure may have thousands of dots.
    for (const alike of grouped(marks, (mark) => mark.look)) drawAlike(document, alike, colour);
  }
  document.end();
  return await pieces;
}

function drawAlike(
  document: PDFKit.PDFDocument,
  marks: readonly [Mark, ...Mark[]],
  colour: (ink: Ink) => string,
): void {
  const { fill, stroke, strokeWidth, dashes, opacity, size }: Look = LOOKS[marks[0].look];
  document.save();
  if (opacity !== undefined) document.opacity(opacity);
  if (fill !== undefined) document.fillColor(colour(fill));
  if (stroke !== undefined) document.strokeColor(colour(stroke));
  if (strokeWidth !== undefined) document.lineWidth(strokeWidth);
  const [dash, space] = dashes ?? [];
  if (dash !== undefined && space !== undefined) document.dash(dash, { space });
  if (size !== undefined) document.fontSize(size);
  for (const mark of marks) {
    if (mark.kind === 'text') {
      drawText(document, mark);
      continue;
    }
    outline(document, mark);
    if (fill !== undefined && stroke !== undefined) document.fillAndStroke();
    else if (fill !== undefined) document.fill();
    else document.stroke();
  }
  document.restore();
}

function outline(document: PDFKit.PDFDocument, mark: Exclude<Mark, { kind: 'text' }>): void {
  switch (mark.kind) {
    case 'line':
      document.moveTo(...mark.from).lineTo(...mark.to);
      return;
    case 'path':
      document.path(mark.d);
      return;
    case 'circle':
      document.circle(mark.x, mark.y, mark.r);
  }
}

function drawText(
  document: PDFKit.PDFDocument,
  { text, x, y, anchor, isUpright = false }: Mark & { readonly kind: 'text' },
): void {
  const shown = drawnText(text);
  const before = { start: 0, middle: 0.5, end: 1 }[anchor] * document.widthOfString(shown);
  document.save();
  if (isUpright) document.rotate(-90, { origin: [x, y] });
  document.text(shown, x - before, y, { lineBreak: false, baseline: 'alphabetic' });
  document.restore();
}

function collected(document: PDFKit.PDFDocument): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  document.on('data', (piece: Uint8Array) => pieces.push(piece));
  return new Promise((resolve, reject) => {
    document.on('end', () => resolve(Buffer.concat(pieces)));
    document.on('error', reject);
  });
}
