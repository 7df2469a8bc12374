/**
 * Whether a URL's host is this machine itself: 127.0.0.0/8, ::1, `localhost` and every name below it. Source: RFC 1122, 3.2.1.3;
 * RFC 4291, 2.5.3; RFC 6761, 6.3.
 */
export function isLoopback({ hostname }: URL): boolean {
  const host = hostname.toLowerCase().replace(/\.$/, '');
  return isLocalhost(host) || host === '[::1]' || IPV4.test(host) || IPV4_IN_IPV6.test(host);
}

/** Whether a host is `localhost` or a name below it. */
export function isLocalhost(host: string): boolean {
  return /^(?:.+\.)?localhost\.?$/i.test(host);
}

const IPV4 = /^127(?:\.\d{1,3}){3}$/;
/** `::ffff:127.0.0.1`, as URLs write it. */
const IPV4_IN_IPV6 = /^\[::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}\]$/;
