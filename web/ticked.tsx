/** Text in which names of settings and commands stand between backticks, as messages of dss have it. */
export function Ticked({ text }: { text: string }) {
  const parts = text.split('`');
  // An odd one out opens nothing.
  if (parts.length % 2 === 0) return <>{text}</>;
  return <>{parts.map((part, place) => (place % 2 === 0 ? part : <code key={place}>{part}</code>))}</>;
}
