/** The URLs of hooks: whom the gateway asks or tells something over HTTP, and where a connection in clear is no risk. */

/** Whether a URL's host is this machine, where a connection in clear shows nothing to anybody. */
export function isLoopback({ hostname }: Pick<URL, 'hostname'>): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/.test(hostname);
}

/** What a URL of a hook must be, for the message of a check. */
export const HOOK_URL_RULE =
  'must be an https:// URL without a user, a password or a fragment; http:// is for this machine only';

/** Whether a hook may have this URL: `https://`, or `http://` on this machine. */
export function isHookUrl(written: string): boolean {
  const url = URL.parse(written);
  if (url === null || url.username !== '' || url.password !== '' || url.hash !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url));
}
