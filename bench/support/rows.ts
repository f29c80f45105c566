/** What a benchmark found, beside what was hoped for. */
import { writeFileSync } from 'node:fs';
import { renderTable } from '../../orchestrator/cli/table.js';
import { describeMachine } from './machine.js';

/** `within`: of 1, to both sides. */
export type Aim = { readonly atLeast: number } | { readonly atMost: number } | { readonly within: number };

export interface Row {
  readonly what: string;
  readonly unit: string;
  readonly value: number;
  readonly aim: Aim | null;
  /** How it came about, and figures that have no row. */
  readonly detail: string;
}

function isMet({ value, aim }: Row): boolean | null {
  if (aim === null) return null;
  if ('within' in aim) return Math.abs(value - 1) <= aim.within;
  return 'atLeast' in aim ? value >= aim.atLeast : value <= aim.atMost;
}

/** The table on stdout and, where asked for, one JSON document in a file ("-": on stdout, instead of the table). */
export function report(title: string, rows: readonly Row[], jsonFile: string | undefined): void {
  const machine = describeMachine();
  if (jsonFile !== '-') {
    console.log(`${title}. ${machine}\n`);
    console.log(tableOf(rows));
  }
  if (jsonFile === undefined) return;
  const document = JSON.stringify({ title, machine, rows: rows.map((row) => ({ ...row, met: isMet(row) })) }, null, 2);
  if (jsonFile === '-') console.log(document);
  else writeFileSync(jsonFile, `${document}\n`);
}

function tableOf(rows: readonly Row[]): string {
  return renderTable({
    columns: [
      { title: 'measure', align: 'left' },
      { title: 'measured', align: 'right' },
      { title: 'aim', align: 'right' },
      { title: 'unit', align: 'left' },
      { title: '', align: 'left' },
      { title: 'how', align: 'left' },
    ],
    rows: rows.map((row) => [row.what, figure(row.value), aimOf(row), row.unit, verdict(row), row.detail]),
  });
}

function aimOf({ aim }: Row): string {
  if (aim === null) return '';
  if ('within' in aim) return `1 ± ${aim.within}`;
  return 'atLeast' in aim ? `≥ ${figure(aim.atLeast)}` : `≤ ${figure(aim.atMost)}`;
}

function verdict(row: Row): string {
  const met = isMet(row);
  return met === null ? '' : met ? 'met' : 'MISSED';
}

function figure(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}
