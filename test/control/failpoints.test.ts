import assert from 'node:assert/strict';
import { armFailpoints, failpoint } from '../../orchestrator/control/failpoints.js';

describe('a failpoint', () => {
  afterEach(() => armFailpoints({}));

  it('does nothing when none is asked for', () => {
    armFailpoints({});
    failpoint('before-commit');
  });

  it('fails where it is asked to, at the pass it is asked for, once', () => {
    armFailpoints({ DSS_FAILPOINT: 'after-commit:enospc:2' });
    failpoint('before-commit');
    failpoint('after-commit');
    assert.throws(() => failpoint('after-commit'), { code: 'ENOSPC', message: /no space left on device/ });
    failpoint('after-commit');
  });

  it('may be several, also at one point', () => {
    armFailpoints({ DSS_FAILPOINT: 'log-append:delay=0, log-append:eio:2,submit-part:eio' });
    failpoint('log-append');
    assert.throws(() => failpoint('log-append'), { code: 'EIO' });
    assert.throws(() => failpoint('submit-part'), { code: 'EIO' });
  });

  const wrong: readonly (readonly [string, RegExp, RegExp])[] = [
    ['before-comit:exit', /"before-comit:exit": there is no failpoint "before-comit"/, /before-commit, after-commit/],
    ['log-append:explode', /"explode" is no action/, /exit, sigkill, eio, enospc, delay=MS/],
    ['log-append', /"" is no action/, /exit, sigkill/],
    ['log-append:delay=x', /"delay=x" is no action/, /delay=MS/],
    ['log-append:toString', /"toString" is no action/, /delay=MS/],
    ['log-append:exit:0', /"0" is no count/, /:3 acts at the third pass/],
    ['log-append:exit:1:2', /"1:2" is no count/, /third pass/],
    ['log-append:exit,', /"": there is no failpoint/, /points: /],
  ];
  for (const [text, message, hint] of wrong) {
    it(`is refused as "${text}", with what there is`, () => {
      assert.throws(() => armFailpoints({ DSS_FAILPOINT: text }), { code: 'USAGE', message, hint });
    });
  }
});
