/**
 * The contexts that all sessions of a gateway share, for an hour. One for each session would prove as much about who resumes
 * what, and did, but cost each login 1 ms and 43 KiB.
 */
import type { Clock } from '../lib/clock.ts';
import { canBind } from './session-binding.ts';
import {
  type ContextGeneration,
  contextFor,
  contextGeneration,
  newTicketKeys,
  type TlsContext,
} from './tls-context.ts';
import type { TlsIdentity } from './tls-identity.ts';

/**
 * How long new sessions join a generation. Whoever could read its ticket keys could read what the sessions of so long have said,
 * so keys do not outlive the last of these sessions; and an hour makes new contexts as good as free.
 */
const GENERATION_MS = 3_600_000;

/** Gives each new session its place in the generation of the hour. */
export class SharedContexts {
  readonly #clock: Clock;
  readonly #sessionTimeMaxMs: number;
  #generation: ContextGeneration | undefined;
  #begunMs = 0;

  constructor(clock: Clock, sessionTimeMaxMs: number) {
    this.#clock = clock;
    this.#sessionTimeMaxMs = sessionTimeMaxMs;
  }

  /**
   * What a control connection begins TLS with. In a Node where sessions cannot be bound each gets contexts and keys of its own.
   *
   * @throws an OpenSSL error when certificate and key cannot be used.
   */
  contextFor(identity: TlsIdentity): TlsContext {
    const context = contextFor(identity, this.#current());
    return canBind(context.secure) ? context : contextFor(identity, this.#anew());
  }

  #current(): ContextGeneration {
    const nowMs = this.#clock.monotonicMs();
    if (this.#generation === undefined || nowMs - this.#begunMs >= GENERATION_MS) {
      this.#generation = this.#anew();
      this.#begunMs = nowMs;
    }
    return this.#generation;
  }

  #anew(): ContextGeneration {
    return contextGeneration(this.#sessionTimeMaxMs, newTicketKeys());
  }
}
