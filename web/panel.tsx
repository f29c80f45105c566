/** Beside the matrix, or over it on a phone: what was picked, in full. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { ApiError } from './api.js';
import { Trouble } from './progress.js';

export function Panel({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}) {
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    panel.current?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  useEffect(() => {
    const heard = (event: KeyboardEvent) => {
      if (event.key === 'Escape') onClose();
    };
    addEventListener('keydown', heard);
    return () => removeEventListener('keydown', heard);
  }, [onClose]);
  return (
    <aside ref={panel} class="panel" role="dialog" aria-label={title} tabIndex={-1}>
      <header>
        <h2>{title}</h2>
        <button type="button" class="plain close" onClick={onClose} aria-label="Close">
          ×
        </button>
      </header>
      {children}
    </aside>
  );
}

/** `isEmpty`: nothing is shown yet. */
export function PanelTrouble({ error, isEmpty }: { error: ApiError; isEmpty: boolean }) {
  return (
    <>
      <Trouble error={error} />
      {error.isFinal ? null : (
        <p class="quiet small">{isEmpty ? '' : 'What is below may be old. '}It is asked for again in a moment.</p>
      )}
    </>
  );
}
