/** `[U+6A21]`, in place of a sign that a font does not have. */
export function signNumber(sign: string): string {
  return `[U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`;
}
