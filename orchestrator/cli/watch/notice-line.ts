/** What somebody should know, as one line: its code for whoever looks it up, and what to do about it. */
import type { Notice } from '../../core/notice.js';
import { oneLine } from '../../core/text.js';

export function noticeLine({ code, message, hint }: Notice): string {
  return oneLine(`${code}: ${message}${hint === '' ? '' : ` (${hint})`}`);
}
