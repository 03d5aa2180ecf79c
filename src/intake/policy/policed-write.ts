/** A staged write that keeps within what its directory takes: size, kind of contents, quotas. */
import { decorate } from '../../lib/decorate.ts';
import { Fault } from '../../spi/fault.ts';
import type { StagedWrite } from '../../spi/file-system.ts';
import type { DiskPlace } from './disk-place.ts';
import { fileTypeTitle, HEAD_BYTES, looksLikeOneOf } from './file-types.ts';
import type { ResolvedIntake } from './profiles.ts';
import type { Amount, QuotaPlace, Quotas, Reservation } from './quota-book.ts';

/** What an upload has to keep within. */
export interface PolicedWriteParts {
  readonly intake: ResolvedIntake;
  readonly quotas: Quotas;
  /** Those that it counts against. */
  readonly places: readonly QuotaPlace[];
  stage(): Promise<StagedWrite>;
  place(): Promise<DiskPlace>;
  /** The size of the file that it would replace now; undefined when it would replace none. */
  replacedBytes(): Promise<number | undefined>;
}

/** Begins one. @throws Fault `QuotaExceeded` when there is no room already; what `stage` throws. */
export async function policedWrite(parts: PolicedWriteParts): Promise<StagedWrite> {
  const replaced = await replacement(parts);
  // One byte at least: a place that is full says so before anything is sent.
  const room = await parts.quotas.reserve(parts.places, needed(1, replaced));
  if (room === undefined) throw tooMuch();
  let staged: StagedWrite | undefined;
  try {
    staged = await parts.stage();
    const { startBytes } = staged;
    const write = new PolicedWrite(staged, { ...parts, room, replaced });
    await write.grow(startBytes);
    const { onIncomplete } = parts.intake;
    return decorate(staged, {
      write: (buffers) => write.write(buffers),
      commit: (arrival) => write.commit(() => staged?.commit(arrival)),
      abort: (partial) => write.abort(partial),
      ...(onIncomplete !== undefined && { onIncomplete }),
      hold: undefined,
    });
  } catch (error) {
    room.release();
    await staged?.abort('keep');
    throw error;
  }
}

interface Begun extends PolicedWriteParts {
  readonly room: Reservation;
  /** What the room was reckoned with. */
  readonly replaced: Amount;
}

class PolicedWrite {
  readonly #staged: StagedWrite;
  readonly #parts: Begun;
  readonly #head: Buffer[] = [];
  #headBytes = 0;
  #bytes = 0;

  constructor(staged: StagedWrite, parts: Begun) {
    this.#staged = staged;
    this.#parts = parts;
  }

  /** Counts bytes before they are written. @throws Fault `QuotaExceeded` when they are too many. */
  async grow(bytes: number): Promise<void> {
    const { intake, room, replaced } = this.#parts;
    this.#bytes += bytes;
    if (this.#bytes > (intake.bytesMax ?? Infinity)) {
      const text = `Files here may have up to ${intake.bytesMax} bytes; nothing was published.`;
      throw new Fault('QuotaExceeded', { text });
    }
    if (!(await room.claim(needed(this.#bytes, replaced)))) throw tooMuch();
  }

  async write(buffers: readonly Buffer[]): Promise<void> {
    await this.grow(buffers.reduce((sum, { length }) => sum + length, 0));
    for (const buffer of buffers) this.#see(buffer);
    await this.#staged.write(buffers);
  }

  async commit(publish: () => Promise<void> | undefined): Promise<void> {
    const { quotas, places, room, intake } = this.#parts;
    if (this.#bytes < (intake.bytesMin ?? 0)) {
      const text = `Files here have at least ${intake.bytesMin} bytes; nothing was published.`;
      throw new Fault('ContentRefused', { text });
    }
    await this.#requireType();
    if (quotas.empty) return publish();
    const place = await this.#parts.place();
    // Another upload may have replaced it, or have made it, since this one began.
    const replaced = await replacement(this.#parts);
    if (places.length > 0 && !(await room.claim(needed(this.#bytes, replaced)))) throw tooMuch();
    // What comes in the place of nothing takes nothing off.
    const since = replaced.files === 0 ? [] : await quotas.rounds(place);
    await publish();
    // In this order: in between it is counted twice rather than not at all.
    quotas.changed(place, { bytes: this.#bytes - replaced.bytes, files: 1 - replaced.files }, since);
    room.release();
  }

  async abort(partial: 'keep' | 'remove'): Promise<number> {
    this.#parts.room.release();
    return this.#staged.abort(partial);
  }

  #see(buffer: Buffer): void {
    if (this.#parts.intake.types.length === 0 || this.#headBytes >= HEAD_BYTES) return;
    const piece = Buffer.from(buffer.subarray(0, HEAD_BYTES - this.#headBytes));
    this.#head.push(piece);
    this.#headBytes += piece.length;
  }

  /** By its first bytes as they were sent; a resumed upload has them in what it began with. */
  async #requireType(): Promise<void> {
    const { types } = this.#parts.intake;
    if (types.length === 0) return;
    const pieces = this.#staged.startBytes > 0 ? await this.#prefix() : [];
    const head = Buffer.concat([...pieces, ...this.#head]).subarray(0, HEAD_BYTES);
    if (looksLikeOneOf(types, head, this.#bytes)) return;
    const titles = types.map(fileTypeTitle).join(', ');
    throw new Fault('ContentRefused', { text: `Files here are ${titles}; this one is not. Nothing was published.` });
  }

  async #prefix(): Promise<Buffer[]> {
    const pieces: Buffer[] = [];
    let bytes = 0;
    for await (const piece of this.#staged.prefix()) {
      pieces.push(Buffer.from(piece.subarray(0, HEAD_BYTES - bytes)));
      bytes += piece.length;
      if (bytes >= HEAD_BYTES) break;
    }
    return pieces;
  }
}

async function replacement({ quotas, places, replacedBytes }: PolicedWriteParts): Promise<Amount> {
  const bytes = quotas.empty && places.length === 0 ? undefined : await replacedBytes();
  return { bytes: bytes ?? 0, files: bytes === undefined ? 0 : 1 };
}

/** What is taken from a quota by so many bytes in the place of what is there. */
function needed(bytes: number, replaced: Amount): Amount {
  return { bytes: Math.max(0, Math.max(1, bytes) - replaced.bytes), files: 1 - replaced.files };
}

function tooMuch(): Fault {
  return new Fault('QuotaExceeded', { text: 'There is no room for the file within the quota; nothing was published.' });
}
