/** Gates that look at a file while it arrives, because it is encrypted on its way and nobody here can read it afterwards. */
import type { Gate, GateItem } from '../../spi/gate.ts';
import type { Arrival } from '../../spi/intake.ts';
import { type GateRunParts, type GatesVerdict, gatesNamed, runGates } from './gate-run.ts';
import { PlainTee } from './plain-tee.ts';

/** What gates are asked with, but for the file. */
export interface ArrivalCheckParts extends Pick<GateRunParts, 'clock' | 'log' | 'signal'> {
  readonly gates: ReadonlyMap<string, Gate>;
}

/** A run of the gates that has begun with the upload. Its deadlines begin when everything has arrived. */
export class ArrivalCheck {
  /** What they say; known some time behind `arrive`. */
  readonly verdict: Promise<GatesVerdict>;
  readonly #tee: PlainTee;
  readonly #arrived = Promise.withResolvers<Pick<Arrival, 'bytes' | 'sha256'>>();
  readonly #abandoned = new AbortController();

  constructor(
    item: Pick<GateItem, 'id' | 'account' | 'path' | 'address'>,
    names: readonly string[],
    { gates, clock, log, signal }: ArrivalCheckParts,
  ) {
    const asked = gatesNamed(names, gates);
    const tee = new PlainTee(asked, clock);
    this.#tee = tee;
    const arrived = this.#arrived.promise;
    // Gates need not listen.
    arrived.catch(() => undefined);
    this.verdict = runGates(asked, {
      ...{ clock, log: log.with({ upload: item.id }), arrived },
      signal: AbortSignal.any([signal, this.#abandoned.signal]),
      itemFor: (gate) => ({ ...item, onDisk: undefined, arrived, content: tee.contentFor(gate) }),
      ended: (gate) => tee.leave(gate),
    });
  }

  /** Shows the gates what arrives. Resolves when they may be shown more. */
  write(buffers: readonly Buffer[]): Promise<void> {
    return this.#tee.write(buffers);
  }

  /** Everything has arrived. */
  arrive({ bytes, sha256 }: Arrival): void {
    this.#tee.end();
    this.#arrived.resolve({ bytes, sha256 });
  }

  /** It does not arrive. */
  abandon(): void {
    const reason = new Error('the upload has ended');
    this.#abandoned.abort(reason);
    this.#tee.fail(reason);
    this.#arrived.reject(reason);
  }
}
