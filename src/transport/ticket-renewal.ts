/** A new ticket for each that a client has used, for the many clients that use a TLS 1.3 ticket once. */
import { randomFillSync } from 'node:crypto';
import type { SecureContext } from 'node:tls';

/** OpenSSL's own answers to the question for keys: none, the right ones, the right ones and the client needs a new ticket. */
const UNKNOWN = 0;
const RIGHT = 1;
const RENEW = 2;

/**
 * From now on gives every client that resumes a session a new ticket; it is for contexts of which it is known that TLS 1.3
 * will be spoken. Node's own way to keep ticket keys never gives another, though RFC 8446 appendix C.4 wants a ticket used
 * only once and most libraries obey: a login would end with its second transfer. In TLS 1.2 one ticket serves for all, and
 * PHP, Perl and Ruby do not resume with one that was renewed. The keys and what is done with them stay as Node has them
 * (HMAC-SHA-256 and AES-128-CBC), so that tickets which are out already stay good.
 *
 * What it rests on is not documented by Node; where it is missing tickets are as they ever were.
 *
 * @param keys - 16 bytes of name, 16 of HMAC key, 16 of AES key.
 */
export function renewTickets({ context }: SecureContext, keys: Buffer): void {
  const enable: unknown = Reflect.get(context, 'enableTicketKeyCallback');
  if (typeof enable !== 'function') return;
  const [name, hmac, aes] = [keys.subarray(0, 16), keys.subarray(16, 32), keys.subarray(32, 48)];
  const vectors = new Vectors();
  const answer = (shownName: Buffer, _iv: Buffer, encrypts: boolean) => {
    if (encrypts) return [RIGHT, hmac, aes, name, vectors.next()];
    return [name.equals(shownName) ? RENEW : UNKNOWN, hmac, aes];
  };
  Reflect.set(context, 'onticketkeycallback', answer);
  Reflect.apply(enable, context, []);
}

/** Bytes of an initialization vector of AES-CBC. */
const VECTOR_BYTES = 16;
/** Made at once: asking for random bytes costs as much for 16 as for some hundred. */
const VECTORS_AT_ONCE = 64;

/** Random initialization vectors, each given out once. */
class Vectors {
  #memory = Buffer.alloc(0);
  #offset = 0;

  next(): Buffer {
    if (this.#offset === this.#memory.length) {
      // New memory, since those that are out may still be looked at.
      this.#memory = randomFillSync(Buffer.allocUnsafeSlow(VECTORS_AT_ONCE * VECTOR_BYTES));
      this.#offset = 0;
    }
    this.#offset += VECTOR_BYTES;
    return this.#memory.subarray(this.#offset - VECTOR_BYTES, this.#offset);
  }
}
