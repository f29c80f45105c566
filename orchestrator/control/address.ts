/** HOST:PORT. What stays within this machine may be said without TLS. */
const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

export function splitAddress(address: string): { readonly host: string; readonly port: string } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: address.slice(colon + 1) };
}

export function isLoopback(host: string): boolean {
  return LOOPBACK.has(host);
}

export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
