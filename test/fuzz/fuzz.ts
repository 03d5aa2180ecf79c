/**
 * Properties that are checked for a moment in every test run, and for as long as one likes by `npm run fuzz`
 * (FUZZ_SECONDS, 300 by default, shared by the properties of a file). Every seed is printed before it is used. What has
 * failed once is kept in `seeds.json` and checked first in every run from then on: commit it together with the repair.
 */
import { randomInt } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { test } from 'vitest';

/** A property and what it costs. */
export interface FuzzOptions {
  /** Runs in an ordinary test run; a long one begins with as many for each seed. */
  readonly runs?: number;
  /** The longest that one run may take: beyond it something hangs. */
  readonly runTimeoutMs?: number;
}

/** Any property of fast-check. */
type Property<T> = fc.IAsyncProperty<T> | fc.IProperty<T>;

/** A failure that was found once. */
interface KeptSeed {
  readonly name: string;
  readonly seed: number;
  readonly path: string;
}

const SEEDS = new URL('./seeds.json', import.meta.url);
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
/** Milliseconds for all properties of a file; 0 in an ordinary test run. */
const BUDGET_MS = Number(process.env.FUZZ_SECONDS ?? 0) * SECOND_MS;

let properties = 0;

/** Declares a test of a property; `make` is called once, within the test. */
export function fuzz<T>(name: string, make: () => Property<T> | Promise<Property<T>>, options: FuzzOptions = {}): void {
  const { runs = 100, runTimeoutMs = 10_000 } = options;
  properties += 1;
  test(name, { timeout: BUDGET_MS + 2 * MINUTE_MS }, async () => {
    const property = await make();
    for (const kept of keptSeeds().filter((one) => one.name === name)) {
      await check(name, property, { seed: kept.seed, path: kept.path, timeout: runTimeoutMs });
    }
    const endMs = performance.now() + BUDGET_MS / properties;
    let numRuns = runs;
    do {
      const seed = randomInt(2 ** 31);
      process.stdout.write(`fuzz: ${name}: seed ${seed}, ${numRuns} runs\n`);
      const startMs = performance.now();
      await check(name, property, { seed, numRuns, timeout: runTimeoutMs });
      // About a line a second, however quick the property is.
      if (performance.now() - startMs < SECOND_MS / 2) numRuns *= 2;
    } while (performance.now() < endMs);
  });
}

/** Checks a property. @throws Error that shows the smallest failure; its seed has been kept. */
async function check<T>(name: string, property: Property<T>, parameters: fc.Parameters<T>): Promise<void> {
  const details = await fc.check(property, parameters);
  if (!details.failed) return;
  const { seed, counterexamplePath: path } = details;
  if (path !== null) keep({ name, seed, path });
  throw new Error(`${name}\n${await fc.asyncDefaultReportMessage(details)}`);
}

function keptSeeds(): readonly KeptSeed[] {
  return JSON.parse(readFileSync(SEEDS, 'utf8'));
}

/** Only a long run writes: an ordinary one has the seed in its report, and leaves the sources alone. */
function keep(found: KeptSeed): void {
  if (BUDGET_MS === 0) return;
  const others = keptSeeds().filter(
    ({ name, seed, path }) => `${name} ${seed} ${path}` !== `${found.name} ${found.seed} ${found.path}`,
  );
  writeFileSync(SEEDS, `${JSON.stringify([...others, found], undefined, 2)}\n`);
}
