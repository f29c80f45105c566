/** What may be done to a sweep, by those with a token. */
import { useState } from 'preact/hooks';
import { ApiError, act, type Info, type SweepInfo, setToken } from './api.js';

interface ActionsProps {
  readonly sweep: SweepInfo;
  readonly info: Info | null;
  readonly onToken: () => void;
}

const ACTIONS = [
  {
    name: 'pause',
    label: 'Pause',
    isOffered: ({ state, counts }: SweepInfo) => state === 'active' && counts.queued + counts.running > 0,
  },
  { name: 'resume', label: 'Resume', isOffered: ({ state }: SweepInfo) => state === 'paused' },
  { name: 'retry', label: 'Retry failed', isOffered: ({ counts }: SweepInfo) => counts.failed > 0 },
  { name: 'cancel', label: 'Cancel', isOffered: ({ counts }: SweepInfo) => counts.queued + counts.running > 0 },
] as const;

export function Actions({ sweep, info, onToken }: ActionsProps) {
  const [said, setSaid] = useState('');
  const [isAsking, setAsking] = useState('');
  if (info?.role !== 'submit' && info?.role !== 'admin') return <SignIn onToken={onToken} />;
  const run = async (name: string) => {
    setAsking('');
    setSaid('…');
    try {
      const { trials } = await act(sweep.sweep, name);
      setSaid(trials > 0 ? `${trials} trials` : 'done');
    } catch (reason) {
      setSaid(reason instanceof ApiError ? `${reason.message} ${reason.hint}` : String(reason));
    }
  };
  return (
    <div class="actions">
      {ACTIONS.filter(({ isOffered }) => isOffered(sweep)).map(({ name, label }) =>
        isAsking === name ? (
          <span key={name} class="sure">
            Cancel all that waits or runs?{' '}
            <button type="button" class="danger" onClick={() => void run(name)}>
              Yes, cancel
            </button>
            <button type="button" onClick={() => setAsking('')}>
              No
            </button>
          </span>
        ) : (
          <button
            type="button"
            key={name}
            class={name === 'cancel' ? 'danger' : ''}
            onClick={() => (name === 'cancel' ? setAsking(name) : void run(name))}
          >
            {label}
          </button>
        ),
      )}
      <span class="quiet small" role="status">
        {said}
      </span>
      <button
        type="button"
        class="plain"
        onClick={() => {
          setToken('');
          onToken();
        }}
      >
        {info.user === '' ? 'Sign out' : `Sign out ${info.user}`}
      </button>
    </div>
  );
}

export function SignIn({ onToken }: { onToken: () => void }) {
  const [isOpen, setOpen] = useState(false);
  if (!isOpen) {
    return (
      <button type="button" class="plain" onClick={() => setOpen(true)}>
        Read-only · sign in
      </button>
    );
  }
  return (
    <form
      class="sign-in"
      onSubmit={(event) => {
        event.preventDefault();
        const field = new FormData(event.currentTarget).get('token');
        setToken(typeof field === 'string' ? field.trim() : '');
        onToken();
      }}
    >
      <label>
        Token <input type="password" name="token" autocomplete="off" required autofocus />
      </label>
      <button type="submit">Sign in</button>
      <span class="quiet small">dss auth token create --user NAME --role submit</span>
    </form>
  );
}
