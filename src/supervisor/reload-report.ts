/** One report of several workers that have each read the same files again. */
import type { ReloadedPart } from '../server/reload.ts';

/** Each part once: refused when one has refused it, for the reasons of the first; else reloaded when one has something new. */
export function mergedReports(reports: readonly (readonly ReloadedPart[])[]): readonly ReloadedPart[] {
  const merged = new Map<string, ReloadedPart>();
  for (const part of reports.flat()) {
    const before = merged.get(part.part);
    if (before === undefined || RANK[part.outcome] > RANK[before.outcome]) merged.set(part.part, part);
  }
  return [...merged.values()];
}

const RANK: Readonly<Record<ReloadedPart['outcome'], number>> = { unchanged: 0, reloaded: 1, refused: 2 };
