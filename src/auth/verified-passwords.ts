/**
 * Passwords that were found right a short while ago, so that a partner's program that logs in every few minutes does not pay a
 * slow hash each time. What is kept tells of a password nothing without a key that only this process has, in memory alone.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Secret } from '../lib/secret.ts';

/** What somebody claims, and what it is to be held against. */
export interface PasswordClaim {
  readonly user: string;
  /** The hash as it is written down now: with another one, nothing of before counts. */
  readonly passwordHash: string;
  readonly password: Secret;
  /** Whom the client's address belongs to: nobody elsewhere is answered sooner because of what was proven here. */
  readonly network: string;
}

/** How it is kept. */
export interface VerifiedPasswordsOptions {
  readonly clock: Clock;
  /** How long a password counts behind its last use; 0 keeps none. */
  readonly keptMs: number;
  /** How many are kept; the one that was used longest ago goes first. */
  readonly entriesMax?: number;
}

/** Ten minutes: more than lies between two looks of most programs that wait for files. */
export const PASSWORD_CACHE_MS = 600_000;

/** However often it is used, a password is held against its hash again after this long. */
export const VERIFIED_AGE_MAX_MS = 3_600_000;

/**
 * Remembers claims whose hash was computed and found right. Only the claims' HMAC-SHA-256 are kept, under a random key that is made
 * when there is something to keep and wiped when there is nothing left.
 *
 * A look-up takes no secret-dependent time that could be used: what is compared are HMACs under a key that no client knows, so
 * that nobody can choose, or come closer to, the one of another password.
 */
export class VerifiedPasswords {
  readonly #clock: Clock;
  readonly #keptMs: number;
  readonly #entriesMax: number;
  /** By the time of their last use, the longest ago first. */
  readonly #entries = new Map<string, Entry>();
  #key: Buffer | undefined;
  #sweep: Timer | undefined;

  constructor({ clock, keptMs, entriesMax = ENTRIES_MAX }: VerifiedPasswordsOptions) {
    this.#clock = clock;
    this.#keptMs = keptMs;
    this.#entriesMax = entriesMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Whether the very same claim was found right not long ago. A use that is answered yes counts as its last one. */
  has(claim: PasswordClaim): boolean {
    if (this.#key === undefined) return false;
    const tag = tagOf(this.#key, claim);
    const entry = this.#entries.get(tag);
    if (entry === undefined) return false;
    this.#entries.delete(tag);
    const nowMs = this.#clock.monotonicMs();
    const counts = nowMs - entry.usedMs < this.#keptMs && nowMs - entry.verifiedMs < VERIFIED_AGE_MAX_MS;
    if (counts) this.#entries.set(tag, { ...entry, usedMs: nowMs });
    return counts;
  }

  /** Remembers a claim whose hash has just been computed and found right. */
  add(claim: PasswordClaim): void {
    if (this.#keptMs === 0) return;
    this.#key ??= randomBytes(KEY_BYTES);
    const tag = tagOf(this.#key, claim);
    const nowMs = this.#clock.monotonicMs();
    this.#entries.delete(tag);
    this.#entries.set(tag, { verifiedMs: nowMs, usedMs: nowMs });
    if (this.#entries.size > this.#entriesMax) this.#dropFirst();
    this.#sweep ??= this.#clock.after(this.#keptMs, () => this.#dropOld());
  }

  /** Forgets all of them. */
  forget(): void {
    this.#sweep?.cancel();
    this.#sweep = undefined;
    this.#entries.clear();
    this.#wipeKey();
  }

  #dropFirst(): void {
    for (const tag of this.#entries.keys()) {
      this.#entries.delete(tag);
      return;
    }
  }

  /** Drops what nobody uses any more, and with the last entry the key: memory that is read later shall tell nothing. */
  #dropOld(): void {
    this.#sweep = undefined;
    const nowMs = this.#clock.monotonicMs();
    for (const [tag, { usedMs }] of this.#entries) {
      const leftMs = usedMs + this.#keptMs - nowMs;
      if (leftMs > 0) {
        this.#sweep = this.#clock.after(Math.ceil(leftMs), () => this.#dropOld());
        return;
      }
      this.#entries.delete(tag);
    }
    this.#wipeKey();
  }

  #wipeKey(): void {
    this.#key?.fill(0);
    this.#key = undefined;
  }
}

/** About 2 MB. Only whoever has an account can add to them. */
const ENTRIES_MAX = 10_000;

const KEY_BYTES = 32;

interface Entry {
  /** When its hash was computed. */
  readonly verifiedMs: number;
  readonly usedMs: number;
}

/** Each part stands behind its length: no end of one can be taken for the beginning of the next. */
function tagOf(key: Buffer, { user, passwordHash, password, network }: PasswordClaim): string {
  const hmac = createHmac('sha256', key);
  for (const part of [user, passwordHash, network, password.reveal()]) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(part));
    hmac.update(length).update(part);
  }
  return hmac.digest('base64');
}
