/**
 * An account's files behind what their directories take: sizes, kinds of contents, quotas. It stands above whatever checks,
 * encrypts and publishes, and so sees the bytes as they were sent.
 */
import { decorate } from '../../lib/decorate.ts';
import { parentOf, type VirtualPath } from '../../protocol/virtual-path.ts';
import { Fault } from '../../spi/fault.ts';
import type { ExistingFile, FileSystem } from '../../spi/file-system.ts';
import type { Settings } from '../../spi/settings.ts';
import { placeOf } from './disk-place.ts';
import { policedWrite } from './policed-write.ts';
import { intakeAt, type PolicyUse } from './profiled-files.ts';
import type { QuotaPlace, Quotas } from './quota-book.ts';
import { quotaPlaces } from './quotas.ts';

/** What is asked about a directory, and what is known of its quotas. */
export interface PolicyParts {
  settings(): Settings;
  readonly quotas: Quotas;
}

/**
 * The same files, in which every upload, whichever verb makes it, keeps within what its directory takes.
 *
 * @throws Fault `QuotaExceeded` for what is larger than there is room for, as soon as that is known; `ContentRefused` from
 *   `commit` for what is too small or of another kind; `PermissionDenied` for a rename out of reach of a quota's count.
 */
export function policedFiles(files: FileSystem, use: PolicyUse, parts: PolicyParts): FileSystem {
  const { quotas } = parts;
  const account = use.account.name;
  const at = (directory: VirtualPath) => intakeAt(parts.settings(), use.session, directory);
  const placesFor = (directory: VirtualPath) => quotaPlaces(files, account, { directory, boundsAt: at });
  const { removeTree } = files;

  return decorate(files, {
    async stage(path, request) {
      const intake = await at(parentOf(path));
      const places = await placesFor(parentOf(path));
      const replaces = request.existing === 'replace' && intake.collision === 'replace';
      return policedWrite({
        intake,
        quotas,
        places,
        stage: () => files.stage(path, request),
        place: () => placeOf(files, account, path),
        replacedBytes: async () => (replaces ? fileBytes(files, path) : undefined),
      });
    },
    async removeFile(path) {
      if (quotas.empty) return files.removeFile(path);
      const place = await placeOf(files, account, path);
      const bytes = await fileBytes(files, path);
      const since = await quotas.rounds(place);
      await files.removeFile(path);
      if (bytes !== undefined) quotas.changed(place, { bytes: -bytes, files: -1 }, since);
    },
    async rename(from, to, existing) {
      requireSameQuotas(await placesFor(parentOf(from)), await placesFor(parentOf(to)));
      await files.rename(from, to, existing);
      await doubtMoved(from, to, existing);
    },
    ...(removeTree !== undefined && {
      async removeTree(path: VirtualPath, entriesMax: number) {
        const place = quotas.empty ? undefined : await placeOf(files, account, path);
        try {
          await removeTree.call(files, path, entriesMax);
        } finally {
          // Also what could not be removed whole.
          if (place !== undefined) quotas.doubt(place);
        }
      },
    }),
    /** What fits is told as what there is room for. */
    async freeBytes(path) {
      const freeBytes = await files.freeBytes(path);
      const places = await placesFor(path);
      if (places.length === 0) return freeBytes;
      return Math.min(freeBytes ?? Infinity, await quotas.restBytes(places));
    },
    // Holding is for what publishes, below.
    held: undefined,
  });

  /** Another account may have a quota where this one has none. */
  async function doubtMoved(from: VirtualPath, to: VirtualPath, existing: ExistingFile): Promise<void> {
    if (quotas.empty) return;
    const [source, target] = [await placeOf(files, account, from), await placeOf(files, account, to)];
    if (existing === 'keep' && (await quotas.countsAlike(source, target))) return;
    quotas.doubt(source);
    quotas.doubt(target);
  }
}

/** What would come under a quota by being moved would have to be counted first; it is uploaded there, or stays. */
function requireSameQuotas(from: readonly QuotaPlace[], to: readonly QuotaPlace[]): void {
  const isCounted = ({ place }: QuotaPlace) => from.some((one) => one.place === place);
  if (!to.every(isCounted)) throw new Fault('PermissionDenied');
}

/** The size of the file that an upload would replace; undefined when there is none. */
async function fileBytes(files: FileSystem, path: VirtualPath): Promise<number | undefined> {
  try {
    const { kind, sizeBytes } = await files.stat(path);
    return kind === 'file' ? sizeBytes : undefined;
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}
