/**
 * Codes of authenticator apps (TOTP, RFC 6238: HMAC-SHA-1, six digits, steps of 30 seconds) as a second factor. FTP has
 * one field for a password, so the code is written behind it: `correct horse battery492039`.
 */
import { Secret as OtpSecret, TOTP } from 'otpauth';
import { BoundedMap } from '../lib/bounded-map.ts';
import type { Clock } from '../lib/clock.ts';
import { Secret } from '../lib/secret.ts';

/** Whether a code was asked for and what came of it: undefined is good; otherwise the reason, for the log. */
export type CodeRefusal = string | undefined;

/** A password and the code behind it; the code is undefined when the last six characters are not digits. */
export interface SplitPassword {
  readonly password: Secret;
  readonly code: string | undefined;
}

/** Takes the code off the end of what the client sent. Without one, six characters go all the same: nothing may fit. */
export function splitCode(sent: Secret): SplitPassword {
  const text = sent.reveal();
  const end = text.slice(-DIGITS);
  return { password: new Secret(text.slice(0, -DIGITS)), code: CODE.test(end) ? end : undefined };
}

/** Judges the codes of those whose password was right. */
export interface CodeLedger {
  /** Judges a code, and uses it up when it is good: of two sessions with one code only one can win. */
  spend(user: string, secret: string, code: string | undefined): Promise<CodeRefusal> | CodeRefusal;
}

/** A code that was sent, without the secret that it was judged by. */
export interface JudgedCode {
  readonly user: string;
  /** The time step that the code is for; undefined when it is none of those that count now. */
  readonly step: number | undefined;
  /** Whether there was a code at all. */
  readonly sent: boolean;
}

/** Judges a code by its secret; whether it was used before is for whoever remembers that. */
export function judgedCode(user: string, secret: string, code: string | undefined, nowMs: number): JudgedCode {
  return { user, step: stepOf(secret, code ?? '', nowMs), sent: code !== undefined };
}

/**
 * Judges codes and remembers which were used: each is good once (RFC 6238 section 5.2), in whatever session. It is
 * shared by all entries of a gateway. What it remembers ends with the process: a code that was just used is good again
 * for the rest of its minute and a half after a restart.
 */
export class TotpLedger implements CodeLedger {
  readonly #clock: Clock;
  readonly #spent = new BoundedMap<string, number>(USERS_MAX);
  readonly #wrong = new BoundedMap<string, { readonly count: number; readonly sinceMs: number }>(USERS_MAX);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Judges the code of somebody whose password was right, and uses it up when it is good. Synchronous, so that of two
   * sessions with one code only one can win.
   */
  spend(user: string, secret: string, code: string | undefined): CodeRefusal {
    return this.use(judgedCode(user, secret, code, this.#clock.now()));
  }

  /** Uses up a code that was judged. */
  use({ user, step, sent }: JudgedCode): CodeRefusal {
    const nowMs = this.#clock.now();
    const known = this.#wrong.get(user);
    const wrong = known !== undefined && nowMs - known.sinceMs < WRONG_CODES_PERIOD_MS ? known : undefined;
    if ((wrong?.count ?? 0) >= WRONG_CODES_MAX) return 'too many wrong codes; wait an hour';
    if (step === undefined) {
      this.#wrong.set(user, { count: (wrong?.count ?? 0) + 1, sinceMs: wrong?.sinceMs ?? nowMs });
      return !sent ? 'no code behind the password' : 'wrong code';
    }
    const last = this.#spent.get(user);
    if (last !== undefined && step <= last) return 'the code was used before';
    this.#spent.set(user, step);
    this.#wrong.delete(user);
    return undefined;
  }
}

const DIGITS = 6;
const CODE = /^[0-9]{6}$/;
const PERIOD_S = 30;

/** Steps before and behind the present one: clocks differ, and typing takes time (RFC 6238 section 5.2). */
const WINDOW = 1;

/**
 * Wrong codes behind a right password before every code is refused, and for how long. Each guess hits with 3 in a
 * million; without this, many addresses could guess on for somebody whose password is known.
 */
const WRONG_CODES_MAX = 10;
const WRONG_CODES_PERIOD_MS = 3_600_000;

/** Entries are made only for those whose password was right. */
const USERS_MAX = 100_000;

/** The number of the time step that a code is for; undefined when it is none of those that count now. */
function stepOf(secret: string, code: string, nowMs: number): number | undefined {
  // The comparison throws at texts that differ in bytes and not in characters.
  if (!CODE.test(code)) return undefined;
  const totp = new TOTP({
    secret: OtpSecret.fromBase32(secret),
    algorithm: 'SHA1',
    digits: DIGITS,
    period: PERIOD_S,
  });
  const delta = totp.validate({ token: code, timestamp: nowMs, window: WINDOW });
  return delta === null ? undefined : Math.floor(nowMs / 1_000 / PERIOD_S) + delta;
}
