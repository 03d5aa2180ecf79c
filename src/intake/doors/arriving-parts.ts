/** What an upload on its way through the doors is made of. */
import type { VirtualPath } from '../../protocol/virtual-path.ts';
import type { FileSystem, StagedWrite } from '../../spi/file-system.ts';
import type { Machine } from './machine.ts';
import type { IntakeUse, Terms, Upload } from './upload.ts';

/** An upload that has begun. */
export interface ArrivingParts {
  readonly machine: Machine;
  readonly files: FileSystem;
  readonly use: IntakeUse;
  readonly path: VirtualPath;
  /** What it is written to; encrypted already where that is asked for. */
  readonly staged: StagedWrite;
  /** Size and hash of what went to the disk in place of what arrived; asked for once, when it is held. */
  readonly stored: (() => Pick<Upload, 'storedBytes' | 'storedSha256'>) | undefined;
  readonly terms: Terms;
  /** Whether the client is answered before the gates have looked. */
  readonly answersFirst: boolean;
  /** What the client is told of its receipt. */
  readonly receiptInReply: 'path' | 'text' | 'no';
  /** Aborts when nobody waits any more. */
  readonly signal: AbortSignal;
  /** Takes over an upload that was accepted and is to be checked behind the reply. */
  checkLater(id: string, files: FileSystem): Promise<void> | void;
  /** Takes over an upload of which nobody can say what became of it. */
  lookLater(id: string, files: FileSystem): Promise<void> | void;
  /** Takes over an upload that is held back, until an operator decides. */
  holdBack(id: string, files: FileSystem): Promise<void> | void;
}
