/** HOST:PORT. What stays within this machine may be said without TLS. */
const LAST_PORT = 65_535;
const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

export function splitAddress(address: string): { readonly host: string; readonly port: string } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: address.slice(colon + 1) };
}

/** Whether it is HOST:PORT, a host being a name or an address. */
export function isAddress(address: string, { leastPort }: { readonly leastPort: 0 | 1 }): boolean {
  if (!address.includes(':')) return false;
  const { host, port } = splitAddress(address);
  const isHost = /^[\w.-]+$/.test(host) || /^[0-9A-Fa-f:.]+(%\w+)?$/.test(host);
  return isHost && /^\d{1,5}$/.test(port) && Number(port) >= leastPort && Number(port) <= LAST_PORT;
}

export function isLoopback(host: string): boolean {
  return LOOPBACK.has(host);
}

export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
