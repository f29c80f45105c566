import assert from 'node:assert/strict';
import fc from 'fast-check';
import { oneLine, printable } from '../../orchestrator/core/text.js';

describe('text of others', () => {
  const cases: readonly [string, string, string][] = [
    ['an escape sequence', '\u001b[2Jgone', '\\u001b[2Jgone'],
    ['the eight-bit form of one', '\u009b2J', '\\u009b2J'],
    ['a bell and a backspace', 'a\u0007\b', 'a\\u0007\\u0008'],
    ['a carriage return, which would overwrite the line', 'fine\rbad', 'fine\\u000dbad'],
    ['a mark that turns the direction of what follows', 'a\u202egpj', 'a\\u202egpj'],
    ['letters beyond ASCII, which stay', 'Tromsø ± 東京 🙂', 'Tromsø ± 東京 🙂'],
    ['a tab', 'a\tb', 'a  b'],
  ];
  for (const [what, text, shown] of cases) it(`is shown safely: ${what}`, () => assert.equal(printable(text), shown));

  it('keeps its line feeds, unless it must be one line', () => {
    assert.equal(printable('a\nb'), 'a\nb');
    assert.equal(oneLine('a\nb'), 'a\\nb');
  });

  it('never holds a control character afterwards', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        assert.doesNotMatch(oneLine(text), /\p{Cc}/u);
      }),
    );
  });
});
