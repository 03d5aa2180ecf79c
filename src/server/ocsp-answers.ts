/**
 * Answers of OCSP responders about the gateway's certificates, fetched while it runs: kept while they hold, renewed well
 * before they end, and checked before anybody is shown them.
 */
import type { X509Certificate } from 'node:crypto';
import { DAY_MS } from '../config/certificate-checks.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Log } from '../spi/log.ts';
import { checkOcspResponse, OcspRefused, type OcspSubject, ocspRequest, ocspResponder } from '../transport/ocsp.ts';
import type { OcspFetch } from './ocsp-fetch.ts';

/** What answers are fetched with. */
export interface OcspParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly fetch: OcspFetch;
}

/** The answers about some certificates. */
export class OcspAnswers {
  readonly #parts: OcspParts;
  /** By the certificate's fingerprint. */
  readonly #followed = new Map<string, Followed>();
  #running = false;

  constructor(parts: OcspParts) {
    this.#parts = parts;
  }

  /** Follows these certificates and no others; what is known of those that stay is kept. */
  follow(subjects: readonly OcspSubject[]): void {
    const wanted = new Map(subjects.map((subject) => [subject.certificate.fingerprint256, subject]));
    for (const [fingerprint, followed] of this.#followed) {
      if (wanted.has(fingerprint)) continue;
      // A session that began with the certificate may go on showing it; nothing is stapled to it then.
      followed.stop();
      this.#followed.delete(fingerprint);
    }
    for (const [fingerprint, subject] of wanted) {
      const url = ocspResponder(subject.certificate);
      if (url === undefined || this.#followed.has(fingerprint)) continue;
      const followed = new Followed(subject, url, this.#parts);
      this.#followed.set(fingerprint, followed);
      if (this.#running) followed.start();
    }
  }

  /** The answer about a certificate, while it holds. */
  about({ fingerprint256 }: X509Certificate): Buffer | undefined {
    return this.#followed.get(fingerprint256)?.answer;
  }

  /** Begins to fetch; nobody waits for the answers. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    for (const followed of this.#followed.values()) followed.start();
  }

  /** Ends what is under way. */
  stop(): void {
    this.#running = false;
    for (const followed of this.#followed.values()) followed.stop();
  }
}

/** The first wait behind a failure; each further one is twice as long. */
const RETRY_MS = 60_000;
const RETRY_MS_MAX = 3_600_000;
/** An answer is renewed when half of its time is over, but not more often, and at least once a day. */
const RENEW_MS_MIN = 60_000;

/** One certificate, and what is known of it. */
class Followed {
  readonly #subject: OcspSubject;
  readonly #url: string;
  readonly #parts: OcspParts;
  #known: { readonly response: Buffer; readonly nextUpdateMs: number } | undefined;
  #failures = 0;
  #timer: Timer | undefined;
  #abort: AbortController | undefined;

  constructor(subject: OcspSubject, url: string, parts: OcspParts) {
    this.#subject = subject;
    this.#url = url;
    this.#parts = parts;
  }

  get answer(): Buffer | undefined {
    const known = this.#known;
    return known !== undefined && known.nextUpdateMs > this.#parts.clock.now() ? known.response : undefined;
  }

  start(): void {
    this.stop();
    const abort = new AbortController();
    this.#abort = abort;
    void this.#renew(abort.signal);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#abort?.abort(new Error('the gateway stops'));
  }

  /** Asks, and sets the time of the next question. Never throws. */
  async #renew(signal: AbortSignal): Promise<void> {
    const { clock, log, fetch } = this.#parts;
    const told = { subject: this.#subject.certificate.subject.replaceAll('\n', ', '), url: this.#url };
    let waitMs: number;
    try {
      const response = await fetch(this.#url, ocspRequest(this.#subject), signal);
      signal.throwIfAborted();
      const nowMs = clock.now();
      const { nextUpdateMs } = checkOcspResponse(response, this.#subject, nowMs);
      this.#known = { response, nextUpdateMs };
      this.#failures = 0;
      waitMs = Math.max(RENEW_MS_MIN, Math.min(DAY_MS, (nextUpdateMs - nowMs) / 2));
      log.info('ocsp.fetched', { ...told, nextUpdate: new Date(nextUpdateMs).toISOString() });
    } catch (error) {
      if (signal.aborted) return;
      waitMs = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** this.#failures);
      this.#failures += 1;
      const revoked = error instanceof OcspRefused && error.revoked;
      // An older answer would say that it is good.
      if (revoked) this.#known = undefined;
      if (revoked) log.error('ocsp.revoked', told);
      else log.warn('ocsp.fetch_failed', { ...told, error, again: new Date(clock.now() + waitMs).toISOString() });
    }
    if (!signal.aborted) this.#timer = clock.after(waitMs, () => void this.#renew(signal));
  }
}
