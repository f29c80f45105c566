import assert from 'node:assert/strict';
import { renderTable } from '../../orchestrator/cli/table.js';

describe('a table on the terminal', () => {
  it('aligns its columns and leaves nothing at the ends of lines', () => {
    const text = renderTable({
      columns: [
        { title: 'dataset', align: 'left' },
        { title: 'accuracy %', align: 'right' },
        { title: 'note', align: 'left' },
      ],
      rows: [
        ['cqa', '61.25 ± 1.03', ''],
        ['a longer one', '5.00', 'x'],
      ],
    });
    assert.deepEqual(text.split('\n'), [
      'dataset         accuracy %  note',
      '────────────  ────────────  ────',
      'cqa           61.25 ± 1.03',
      'a longer one          5.00  x',
    ]);
  });

  it('shows a name that would steer the terminal', () => {
    const text = renderTable({ columns: [{ title: 'model', align: 'left' }], rows: [['\u001b[31mred\nx']] });
    assert.equal(text.split('\n').at(-1), '\\u001b[31mred\\nx');
  });

  it('has room for the trials of a large sweep', () => {
    const rows = Array.from({ length: 200_000 }, (_, place) => [`${place}`]);
    const lines = renderTable({ columns: [{ title: 'n', align: 'right' }], rows }).split('\n');
    assert.deepEqual([lines.length, lines[1], lines[2]], [200_002, '──────', '     0']);
  });

  it('is only its titles when there are no rows', () => {
    assert.equal(renderTable({ columns: [{ title: 'a', align: 'right' }], rows: [] }), 'a\n─');
  });
});
