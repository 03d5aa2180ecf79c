/**
 * What ties TLS sessions to one control connection while many share a context: the session id context of OpenSSL. A
 * connection takes it over from its context at the moment when it is made; OpenSSL writes it into every session and ticket
 * that the connection gives out, and on resumption takes one with another id context for none at all, in TLS 1.2 and 1.3,
 * for tickets and for ids.
 */
import { randomBytes } from 'node:crypto';
import type { SecureContext } from 'node:tls';

/** OpenSSL takes 32 bytes at most; these make 32 letters, digits, hyphens and underscores, which no two connections share. */
const BINDING_BYTES = 24;

/** A name that only one control connection and its data connections have. */
export function newBinding(): string {
  return randomBytes(BINDING_BYTES).toString('base64url');
}

/** Whether connections of this context can be bound. Node has no documented way to do so after the context was made. */
export function canBind(secure: SecureContext): boolean {
  return setterOf(secure) !== undefined;
}

/**
 * What `make` gives, a TLSSocket of this context, bound. Behind it the context has a name that nobody has: who forgot to bind
 * a socket would have one that no other resumes, and naming another context for a host (SNI) leaves the socket its own name,
 * which OpenSSL would replace if the contexts' were the same.
 */
export function bound<Socket>(secure: SecureContext, binding: string, make: () => Socket): Socket {
  const set = setterOf(secure);
  set?.(binding);
  try {
    return make();
  } finally {
    set?.(`!${binding.slice(1)}`);
  }
}

function setterOf({ context }: SecureContext): ((binding: string) => void) | undefined {
  const set: unknown = Reflect.get(context, 'setSessionIdContext');
  return typeof set === 'function' ? (binding) => void Reflect.apply(set, context, [binding]) : undefined;
}
