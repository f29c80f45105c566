/** `700 B`, `1.4 KiB`, `990.1 MiB`, `3.2 GiB`. */
export function byteCount(bytes: number): string {
  const [kibi, mebi, gibi] = [2 ** 10, 2 ** 20, 2 ** 30];
  if (bytes < kibi) return `${bytes} B`;
  if (bytes < mebi) return `${(bytes / kibi).toFixed(1)} KiB`;
  return bytes < gibi ? `${(bytes / mebi).toFixed(1)} MiB` : `${(bytes / gibi).toFixed(1)} GiB`;
}
