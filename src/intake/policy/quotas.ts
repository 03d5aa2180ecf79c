/** Which quotas hold for a directory, and how what lies in one is counted. */
import { parentOf, ROOT, resolvePath, type VirtualPath } from '../../protocol/virtual-path.ts';
import { Fault } from '../../spi/fault.ts';
import type { FileSystem } from '../../spi/file-system.ts';
import { placeBehind } from './disk-place.ts';
import type { ResolvedIntake } from './profiles.ts';
import type { Amount, QuotaPlace } from './quota-book.ts';

type Bounds = Pick<ResolvedIntake, 'quotaBytes' | 'quotaFiles'>;

/**
 * The places whose quota an upload into a directory counts against: every one, from the root down, at which another quota
 * is set than around it. An inner one stands beside those around it, for what it holds lies in theirs too.
 */
export async function quotaPlaces(
  files: FileSystem,
  account: string,
  { directory, boundsAt }: { readonly directory: VirtualPath; boundsAt(stop: VirtualPath): Promise<Bounds> },
): Promise<readonly QuotaPlace[]> {
  const here = await boundsAt(directory);
  if (here.quotaBytes === undefined && here.quotaFiles === undefined) return [];
  const found: QuotaPlace[] = [];
  let around: Bounds = { quotaBytes: undefined, quotaFiles: undefined };
  for (const stop of fromRoot(directory)) {
    const bounds = await boundsAt(stop);
    const isSetHere = bounds.quotaBytes !== around.quotaBytes || bounds.quotaFiles !== around.quotaFiles;
    around = bounds;
    const { quotaBytes: bytesMax = Infinity, quotaFiles: filesMax = Infinity } = bounds;
    if (!isSetHere || (bytesMax === Infinity && filesMax === Infinity)) continue;
    const place = await placeBehind(files, account, stop);
    found.push({ place, bytesMax, filesMax, count: () => amountIn(files, stop) });
  }
  return found;
}

/** Files in a directory and below it, with their bytes. Links to directories are not followed. */
async function amountIn(files: FileSystem, top: VirtualPath): Promise<Amount> {
  let bytes = 0;
  let count = 0;
  const waiting = [top];
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    try {
      for await (const batch of await files.list(directory)) {
        for (const { kind, name, sizeBytes } of batch) {
          const path = resolvePath(directory, name);
          if (kind === 'file') {
            bytes += sizeBytes;
            count += 1;
          } else if (kind === 'directory' && path !== undefined && !(await files.isLink?.(path))) {
            waiting.push(path);
          }
        }
      }
    } catch (error) {
      // Gone since it was listed, or not there yet: it holds nothing.
      if (!(error instanceof Fault) || error.kind !== 'NoSuchFile') throw error;
    }
  }
  return { bytes, files: count };
}

function fromRoot(directory: VirtualPath): readonly VirtualPath[] {
  const stops = [directory];
  for (let stop = directory; stop !== ROOT; ) {
    stop = parentOf(stop);
    stops.unshift(stop);
  }
  return stops;
}
