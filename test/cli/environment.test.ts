import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { resolveDatasets, resolveHome } from '../../orchestrator/cli/environment.js';
import { painterFor } from '../../orchestrator/cli/output.js';
import { isLive } from '../../orchestrator/cli/watch/progress.js';

describe('the state folder', () => {
  const standard = join(homedir(), '.local', 'state', 'dss');
  const cases: readonly [string, string | undefined, Record<string, string>, string][] = [
    ['the flag first', '/flag', { DSS_HOME: '/home', XDG_STATE_HOME: '/xdg' }, '/flag'],
    ['then DSS_HOME', undefined, { DSS_HOME: '/home', XDG_STATE_HOME: '/xdg' }, '/home'],
    ['then dss in XDG_STATE_HOME', undefined, { XDG_STATE_HOME: '/xdg' }, '/xdg/dss'],
    ['then the standard place', undefined, {}, standard],
    ['the standard place when XDG_STATE_HOME is relative', undefined, { XDG_STATE_HOME: 'xdg' }, standard],
    ['the standard place when variables are empty', undefined, { DSS_HOME: '', XDG_STATE_HOME: '' }, standard],
    ['an absolute path of a relative flag', 'here', {}, resolve('here')],
  ];
  for (const [what, flag, env, path] of cases) it(`is ${what}`, () => assert.equal(resolveHome(flag, env), path));
});

describe('the datasets folder', () => {
  it('is the flag, then DSS_DATASETS, then datasets/', () => {
    assert.equal(resolveDatasets('/a', { DSS_DATASETS: '/b' }), '/a');
    assert.equal(resolveDatasets(undefined, { DSS_DATASETS: '/b' }), '/b');
    assert.equal(resolveDatasets(undefined, {}), resolve('datasets'));
  });
});

describe('colour', () => {
  const terminal = { isTTY: true };
  it('is for a terminal', () => assert.equal(painterFor(terminal, {})('red', 'x'), '\u001b[31mx\u001b[39m'));
  it('is not for a pipe', () => assert.equal(painterFor({}, {})('red', 'x'), 'x'));
  it('is not for someone who has set NO_COLOR', () =>
    assert.equal(painterFor(terminal, { NO_COLOR: '1' })('red', 'x'), 'x'));
  it('is not for a dumb terminal', () => assert.equal(painterFor(terminal, { TERM: 'dumb' })('red', 'x'), 'x'));
});

describe('the live display', () => {
  it('is not shown beside --json', () => assert.equal(isLive(true, {}), false));
});

describe('a folder that is named', () => {
  it('is none where the text is empty, as of a variable that is not set', () => {
    for (const resolve of [resolveHome, resolveDatasets]) {
      assert.throws(() => resolve(''), { code: 'USAGE', message: /expected a folder, got an empty text/ });
    }
  });

  it('is none below /proc, where Node would try to make it for ever', () => {
    for (const path of ['/proc/x', '/proc', '/sys/x', '/proc/../proc/x']) {
      assert.throws(() => resolveHome(path), { code: 'USAGE', message: /no folder can be made at \/(proc|sys)/ });
    }
    assert.equal(resolveHome('/process/x'), '/process/x');
  });
});
