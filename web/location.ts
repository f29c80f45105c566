/** The address says what is shown, so that a link shows the same to somebody else. */
import { useEffect, useState } from 'preact/hooks';

export type Query = Readonly<Record<string, string>>;

function current(): { readonly path: string; readonly query: Query } {
  return { path: location.pathname, query: Object.fromEntries(new URLSearchParams(location.search)) };
}

/** Empty values leave the address. `isStep`: going back undoes it. */
export function setQuery(changes: Query, isStep = true): void {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === '') query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  go(`${location.pathname}${text === '' ? '' : `?${text}`}`, isStep);
}

function go(url: string, isStep = true): void {
  if (isStep) history.pushState(null, '', url);
  else history.replaceState(null, '', url);
  dispatchEvent(new PopStateEvent('popstate'));
}

export function useAddress() {
  const [address, setAddress] = useState(current);
  useEffect(() => {
    const heard = () => setAddress(current());
    addEventListener('popstate', heard);
    return () => removeEventListener('popstate', heard);
  }, []);
  return address;
}

/** For links within the page: other clicks and keys are the browser's. */
export function follow(event: MouseEvent): void {
  if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  go((event.currentTarget as HTMLAnchorElement).href);
}
