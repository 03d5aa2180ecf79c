/** Beginning an upload by way of a thread that does all of it in one go (`disk-thread.ts`), where nothing is special about it. */
import type { ExistingFile } from '../spi/file-system.ts';
import type { UploadSettings } from './begin-stage.ts';
import type { StraightPlace } from './disk-job.ts';
import type { DiskThread } from './disk-thread.ts';
import type { HeldDirectory } from './jail.ts';
import { PlainHandle } from './plain-handle.ts';
import { StagedFile, type StagedFileParts } from './staged-file.ts';
import { stagingNames } from './staging-names.ts';

/** An upload that begins from nothing. */
export interface Beginning {
  readonly disk: DiskThread;
  /** Its directory: where it is, and what it was when it was last looked at. */
  readonly place: StraightPlace;
  readonly identity: string;
  /** The target's name. */
  readonly name: string;
  readonly existing: ExistingFile;
  /** Takes over the directory. */
  hold(handle: PlainHandle): Pick<StagedFileParts, 'stillThere'> & { readonly directory: HeldDirectory };
}

/** Begins it. @returns undefined when that has to be done in the usual way; nothing has been done then. */
export async function stageAtOnce(settings: UploadSettings, beginning: Beginning): Promise<StagedFile | undefined> {
  const { io, live, owner, bootId, fileMode, sync } = settings;
  const { disk, place, identity, name, existing } = beginning;
  const names = stagingNames(owner, name, bootId);
  // With a wrong identity somebody else's directory counts as busy for a moment, and the thread does nothing.
  const claim = await live.claim(identity, names);
  const job = { ...place, identity, target: name, staged: claim.name, existing };
  const isFresh = disk.freshness();
  const opened = claim.first ? await disk.stage(job) : undefined;
  if (opened === undefined) {
    claim.release();
    return undefined;
  }
  const held = beginning.hold(new PlainHandle(opened.directory));
  return new StagedFile({
    ...{ io, claim, names, target: name, existing, fileMode, sync, ...held },
    handle: new PlainHandle(opened.file),
    startBytes: 0,
    resumed: false,
    atOnce: { disk, literal: place.literal, directory: opened.directory, isFresh },
  });
}
