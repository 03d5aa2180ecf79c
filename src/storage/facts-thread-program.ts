/** What runs in a `FactsThread`. */
import { lstatSync, readlinkSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import type { FactsAnswer, FactsQuestion } from './facts-thread.ts';
import { type FactRows, packFacts, rowsFor } from './packed-facts.ts';

const OWN = '/proc/self/';

/** `/proc/self` is a link, and following it is a tenth of the way to a file; it leads to the same place for ever. */
const own = process.platform === 'linux' ? `/proc/${readlinkSync(OWN.slice(0, -1))}/` : OWN;

parentPort?.on('message', ({ id, directory, names, used }: FactsQuestion) => {
  const place = directory.startsWith(OWN) ? own + directory.slice(OWN.length) : directory;
  const rows = rowsOf(place, names.split('/'), used);
  const answer: FactsAnswer = { id, rows };
  parentPort?.postMessage(answer, rows === undefined ? [] : [rows.buffer]);
});
parentPort?.postMessage({ id: 0, rows: undefined } satisfies FactsAnswer);

function rowsOf(place: string, names: readonly string[], used: FactRows | undefined): FactRows | undefined {
  const rows = rowsFor(names.length, used);
  try {
    for (const [index, name] of names.entries()) {
      packFacts(rows, index, lstatSync(`${place}/${name}`, { bigint: true, throwIfNoEntry: false }));
    }
    return rows;
  } catch {
    // Whoever asked asks again, one by one, and is told there what is wrong.
    return undefined;
  }
}
