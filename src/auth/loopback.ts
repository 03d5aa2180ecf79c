/** Addresses that can be no other machine, where a connection in clear shows nothing to anybody. */

/** Whether a URL's host is this machine. */
export function isLoopback({ hostname }: URL): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}
