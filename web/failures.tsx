/** What went wrong, first: by cause, the most frequent on top, each with a trial to look at. */
import type { Board } from './board.js';
import { Dot } from './dots.js';
import { follow } from './location.js';
import { Ticked } from './ticked.js';
import { counted, short } from './words.js';

const SHOWN = 5;
const EXAMPLES = 3;

export function Failures({ board, linkTo }: { board: Board; version: number; linkTo: (trialId: string) => string }) {
  const groups = board.failures();
  if (groups.length === 0) return null;
  const failed = groups.reduce((sum, { trials }) => sum + trials.length, 0);
  return (
    <section class="failures" aria-label="Failures">
      <h2>
        <Dot state={3} /> {counted(failed, 'trial')} failed
      </h2>
      <ul>
        {groups.slice(0, SHOWN).map(({ cause, trials }) => (
          <li key={`${cause.code} ${cause.message}`}>
            <p>
              <b>{trials.length} ×</b> <code class="code">{cause.code}</code> <Ticked text={cause.message} />
            </p>
            <p class="quiet small">
              {cause.hint === '' ? null : (
                <>
                  Next step: <Ticked text={cause.hint} />.{' '}
                </>
              )}
              Look at{' '}
              {trials.slice(0, EXAMPLES).map((place, index) => (
                <span key={place}>
                  {index > 0 ? ', ' : ''}
                  <a href={linkTo(board.id(place))} onClick={follow}>
                    {short(board.id(place))}
                  </a>
                </span>
              ))}
              {trials.length > EXAMPLES ? ` and ${trials.length - EXAMPLES} more` : ''}
            </p>
          </li>
        ))}
      </ul>
      {groups.length > SHOWN ? <p class="quiet small">and {counted(groups.length - SHOWN, 'other cause')}</p> : null}
    </section>
  );
}
