/** Certificates below a folder: whether each is valid, and stays so for two weeks. */
import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Check, ok, problem, warning } from './doctor-check.js';

const AHEAD_MS = 14 * 24 * 3_600_000;

export function checkCertificates(folder: string, nowMs: number): readonly Check[] {
  let files: readonly string[];
  try {
    files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(pem|crt)$/.test(name));
  } catch {
    return []; // nothing is served beyond this machine
  }
  return [...files].sort().flatMap((name) => checkFile(join(folder, name), nowMs));
}

function checkFile(path: string, nowMs: number): readonly Check[] {
  const text = readFileSync(path, 'utf8');
  if (!text.includes('BEGIN CERTIFICATE')) return []; // a key
  const name = 'certificate';
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(text);
  } catch (error) {
    return [problem(name, `${path} cannot be read: ${(error as Error).message}`, renewal(path))];
  }
  const [from, until] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  if (nowMs < from) return [problem(name, `${path} is valid from ${day(from)} on only`, 'set the clock, or renew it')];
  if (nowMs >= until) return [problem(name, `${path} expired on ${day(until)}`, renewal(path))];
  const what = `${path}, until ${day(until)}`;
  return [until - nowMs < AHEAD_MS ? warning(name, what, renewal(path)) : ok(name, what)];
}

function renewal(path: string): string {
  return `dss auth init --renew (for ${path})`;
}
