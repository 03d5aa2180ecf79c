/**
 * Properties that are checked for a moment in every test run, and for as long as one likes by `npm run fuzz`
 * (FUZZ_SECONDS, 300 by default, shared by the properties of a file). Every seed is printed before it is used. What has
 * failed once is kept in `seeds.json` and checked first in every run from then on: commit it together with the repair. A
 * seed finds its failure only while the arbitraries are what they were, so write the counterexample, which is kept beside
 * it, down as a test of its own.
 */
import { randomInt } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
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
  /** Where fast-check found it. */
  readonly path: string;
  /** What failed, for the eye. */
  readonly counterexample: string;
}

const SEEDS = new URL('./seeds.json', import.meta.url);
const COUNTEREXAMPLE_CHARACTERS_MAX = 2_000;
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
/** Milliseconds for all properties of a file; 0 in an ordinary test run. */
const BUDGET_MS = Number(process.env.FUZZ_SECONDS ?? 0) * SECOND_MS;

let properties = 0;

/** Declares a test of a property; `make` is called once, within the test. */
export function fuzz<T>(name: string, make: () => Property<T> | Promise<Property<T>>, options: FuzzOptions = {}): void {
  const { runs = 100, runTimeoutMs: timeout = 10_000 } = options;
  properties += 1;
  test(name, { timeout: BUDGET_MS + 2 * MINUTE_MS }, async () => {
    const property = await make();
    for (const { seed, path } of keptSeeds().filter((kept) => kept.name === name)) {
      process.stdout.write(`fuzz: ${name}: kept seed ${seed}, path ${path}\n`);
      // The one value that failed; the way to it may lead nowhere when the arbitraries have changed.
      const again = checkOf(property, { seed, path, numRuns: 1, timeout });
      judge(name, await again.catch(() => checkOf(property, { seed, numRuns: runs, timeout })));
    }
    const endMs = performance.now() + BUDGET_MS / properties;
    let numRuns = runs;
    do {
      const seed = randomInt(2 ** 31);
      process.stdout.write(`fuzz: ${name}: seed ${seed}, ${numRuns} runs\n`);
      const startMs = performance.now();
      judge(name, await checkOf(property, { seed, numRuns, timeout }));
      // About a line a second, however quick the property is.
      if (performance.now() - startMs < SECOND_MS / 2) numRuns *= 2;
    } while (performance.now() < endMs);
  });
}

/** @throws Error when fast-check cannot make sense of the parameters; a failure of the property is a result. */
async function checkOf<T>(property: Property<T>, parameters: fc.Parameters<T>): Promise<fc.RunDetails<T>> {
  // Looking for a smaller failure may take longer than the test may: what has been found by then is kept all the same.
  return await fc.check(property, { ...parameters, interruptAfterTimeLimit: MINUTE_MS });
}

/** @throws Error that shows the smallest failure; its seed has been kept. */
function judge<T>(name: string, details: fc.RunDetails<T>): void {
  if (!details.failed) return;
  const { seed, counterexamplePath: path, counterexample } = details;
  if (path !== null) {
    keep({ name, seed, path, counterexample: fc.stringify(counterexample).slice(0, COUNTEREXAMPLE_CHARACTERS_MAX) });
  }
  throw new Error(`${name} (kept in seeds.json)\n${fc.defaultReportMessage(details)}`, {
    cause: details.errorInstance,
  });
}

function keptSeeds(): readonly KeptSeed[] {
  return JSON.parse(readFileSync(SEEDS, 'utf8'));
}

/** Replaces the file in one step: tests of another file may be reading it. */
function keep(found: KeptSeed): void {
  const others = keptSeeds().filter(({ name, seed }) => name !== found.name || seed !== found.seed);
  const beside = new URL(`./seeds.json.${process.pid}`, import.meta.url);
  writeFileSync(beside, `${JSON.stringify([...others, found], undefined, 2)}\n`);
  renameSync(beside, SEEDS);
}
