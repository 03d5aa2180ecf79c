/** Looking at, publishing and destroying what storage holds. */
import type { VirtualPath } from '../../protocol/virtual-path.ts';
import { Fault } from '../../spi/fault.ts';
import type { FileSystem, HeldFile, StagedWrite } from '../../spi/file-system.ts';
import type { GateItem } from '../../spi/gate.ts';
import type { Arrival } from '../../spi/intake.ts';
import { type GatesVerdict, gatesNamed, runGates } from './gate-run.ts';
import type { Door, MachineParts } from './machine-parts.ts';
import type { Upload } from './upload.ts';

/** What is held for an upload, opened; undefined when there is nothing (any more). Close it. @throws what storage says. */
export async function openHeld(files: FileSystem, path: VirtualPath, id: string): Promise<HeldFile | undefined> {
  if (files.held === undefined) throw new Fault('Local', { cause: new Error('this storage holds nothing') });
  try {
    return await files.held(path, id);
  } catch (error) {
    if (error instanceof Fault && (error.kind === 'NoSuchFile' || error.kind === 'NotADirectory')) return undefined;
    throw error;
  }
}

/** The door of what is held. */
export function heldDoor(held: HeldFile, files: FileSystem, { path, id }: Pick<Upload, 'path' | 'id'>): Door {
  return {
    publish: (to, existing) => held.publish(to, existing),
    destroy: () => held.destroy(),
    async waits() {
      const again = await openHeld(files, path, id);
      await again?.close();
      return again !== undefined;
    },
  };
}

/** The door of a staged write whose storage cannot hold: it is published with its commit, and removed by its abort. */
export function stagedDoor(staged: StagedWrite, arrival: Arrival): Door {
  let isPublished = false;
  return {
    async publish() {
      await staged.commit(arrival);
      isPublished = true;
    },
    destroy: async () => undefined,
    waits: async () => !isPublished,
  };
}

/** Has the gates of an upload look at what is held. Never throws: what cannot be checked has failed. */
export function checkHeld(
  upload: Upload,
  held: HeldFile,
  parts: Pick<MachineParts, 'gates' | 'clock' | 'log'> & { readonly signal: AbortSignal; readonly address?: string },
): Promise<GatesVerdict> {
  const { id, account, path, bytes, sha256, gates } = upload;
  const { clock, log, signal } = parts;
  const itemFor = (_gate: unknown, listening: AbortSignal): GateItem => ({
    ...{ id, account, path, address: parts.address, onDisk: held.onDisk },
    arrived: Promise.resolve({ bytes, sha256 }),
    content: whileWanted(held, listening),
  });
  return runGates(gatesNamed(gates, parts.gates), { clock, log: log.with({ upload: id }), signal, itemFor });
}

/** A gate that goes on reading when it is not waited for any more must not read what has been closed. */
async function* whileWanted(held: HeldFile, signal: AbortSignal): AsyncGenerator<Buffer> {
  signal.throwIfAborted();
  for await (const piece of held.read()) {
    yield piece;
    signal.throwIfAborted();
  }
}
