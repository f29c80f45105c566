/** The page: which view an address means, who looks, and in what light. */
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { SignIn } from './actions.js';
import { type Info, read } from './api.js';
import { follow, useAddress } from './location.js';
import { SweepList } from './sweep-list.js';
import { SweepPage } from './sweep-page.js';

const THEMES = ['auto', 'light', 'dark'] as const;
const THEME = 'dss-theme';

function Theme() {
  const [theme, setTheme] = useState(localStorage.getItem(THEME) ?? 'auto');
  useEffect(() => {
    document.documentElement.dataset['theme'] = theme;
    localStorage.setItem(THEME, theme);
  }, [theme]);
  return (
    <label class="theme">
      <span class="hidden">Theme</span>
      <select value={theme} onChange={(event) => setTheme(event.currentTarget.value)}>
        {THEMES.map((each) => (
          <option key={each} value={each}>
            {each === 'auto' ? 'Auto theme' : each}
          </option>
        ))}
      </select>
    </label>
  );
}

function Page() {
  const { path, query } = useAddress();
  const [info, setInfo] = useState<Info | null>(null);
  const [needsToken, setNeedsToken] = useState(false);
  const [tokenVersion, setTokenVersion] = useState(0);
  const onToken = () => setTokenVersion(tokenVersion + 1);
  useEffect(() => {
    read<Info>('/info')
      .then((answer) => {
        setInfo(answer);
        setNeedsToken(false);
      })
      .catch((reason: { status?: number }) => {
        setInfo(null);
        setNeedsToken(reason.status === 401 || reason.status === 429);
      });
  }, [tokenVersion]);
  const sweep = /^\/sweeps\/([^/]+)$/.exec(path)?.[1];
  useEffect(() => {
    document.title = sweep === undefined ? 'dss' : `${sweep} · dss`;
  }, [sweep]);
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="top">
        <a class="mark" href="/" onClick={follow}>
          <img src="/icon.svg" alt="" width="22" height="22" /> dss
        </a>
        <span class="quiet small host">
          {info === null ? '' : info.lending ? info.host : `${info.host}: lends nothing`}
        </span>
        <Theme />
      </header>
      {needsToken ? (
        <p class="trouble" role="alert">
          This server needs a token. <SignIn onToken={onToken} />
        </p>
      ) : null}
      {sweep === undefined ? (
        <SweepList tokenVersion={tokenVersion} />
      ) : (
        <SweepPage key={sweep} sweep={sweep} query={query} info={info} tokenVersion={tokenVersion} onToken={onToken} />
      )}
    </>
  );
}

render(<Page />, document.getElementById('page') as HTMLElement);
