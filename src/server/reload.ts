/** What a running gateway reads again without a restart, part by part. */
import type { Log } from '../spi/log.ts';

/** What became of a part that was read again. */
export type ReloadOutcome = 'reloaded' | 'unchanged';

/** Something that can be read again while the gateway runs. A new part implements this and is added in `gateway.ts`. */
export interface Reloadable {
  /** Its name in logs and reports. */
  readonly part: string;
  /** Reads it. @throws what names every mistake; what was in force before stays so. */
  reload(): Promise<ReloadOutcome>;
}

/** One part, and what became of it; `refused` leaves in force what was before. */
export type ReloadedPart =
  | { readonly part: string; readonly outcome: ReloadOutcome }
  | { readonly part: string; readonly outcome: 'refused'; readonly reason: string };

/** Reads all parts again, each for itself. Never throws: what is refused is in the report and in the log. */
export async function reloadAll(parts: readonly Reloadable[], log: Log): Promise<readonly ReloadedPart[]> {
  const report: ReloadedPart[] = [];
  for (const { part, reload } of parts.map((one) => ({ part: one.part, reload: () => one.reload() }))) {
    try {
      report.push({ part, outcome: await reload() });
    } catch (error) {
      log.error('reload.refused', { part, error });
      report.push({ part, outcome: 'refused', reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return report;
}
