/** What functions belong to, so that a profile can be read at a glance. */
import type { Frame } from './cpu-profile.ts';

/** V8's own names for what is no function. */
const SPECIAL = new Map([
  ['(garbage collector)', 'garbage collection'],
  ['(program)', 'native, called by no JavaScript: TLS records, sockets, event loop'],
  ['(idle)', 'idle'],
]);

/** Functions of Node that V8 is told to enter native code from directly: it books the work there on them. */
const DIRECT = new Map([
  ['update node:internal/crypto/hash', 'native: hashes and other cryptography'],
  ['digest node:internal/crypto/hash', 'native: hashes and other cryptography'],
  ['ondata node:internal/js_stream_socket', 'native: TLS and sockets'],
]);

/** Native functions by the file of Node that called them. */
const NATIVE: readonly (readonly [RegExp, string])[] = [
  [/^node:(internal\/)?crypto/, 'native: hashes and other cryptography'],
  [/^node:(internal\/)?fs/, 'native: file system'],
  [/^node:(_tls_|tls|internal\/tls|net|internal\/net|internal\/stream_base)/, 'native: TLS and sockets'],
  [/^node:/, 'native: called by other parts of Node'],
];

/** The group of a function. `root` is the URL of the folder that holds `src`. */
export function groupOf({ name, url, callerUrl }: Frame, root: string): string {
  const special = SPECIAL.get(name) ?? DIRECT.get(`${name} ${url}`);
  if (special !== undefined) return special;
  if (url === '')
    return NATIVE.find(([pattern]) => pattern.test(callerUrl))?.[1] ?? 'native: called by Sallyport and packages';
  if (url.startsWith('node:')) return `Node: ${url.slice('node:'.length)}`;
  const own = ownFolder(url, root);
  if (own !== undefined) return own;
  return `package: ${/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? url}`;
}

function ownFolder(url: string, root: string): string | undefined {
  if (!url.startsWith(root) || url.includes('/node_modules/')) return undefined;
  const folders = url.slice(root.length).split('/').slice(0, -1);
  return `Sallyport: ${folders.slice(0, 2).join('/')}`;
}
