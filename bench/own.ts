/** The ways in which Sallyport is measured beside its peers. */
import type { Contestant } from './contestant.ts';
import { EQUAL, type OwnSettings, sallyport, whyRefused } from './sallyport.ts';

/** What a row differs in from the one beside it stands in brackets behind its name. */
interface Row extends Omit<OwnSettings, 'name'> {
  readonly name: 'Sallyport' | 'Sallyport as it comes';
  readonly words: readonly string[];
}

const EQUAL_ROW: Row = {
  ...{ name: 'Sallyport', words: [], yaml: EQUAL, hashing: 'on' },
  note: 'no fsync and no audit log, as with the peers; SHA-256 of each upload',
};
const UNHASHED_ROW: Row = {
  ...{ name: 'Sallyport', words: ['unhashed'], yaml: EQUAL, hashing: 'off' },
  note: 'the same with the work of SHA-256 taken out, which no peer does',
};
const OLDER_ROW: Row = {
  ...{ name: 'Sallyport', words: ['TLS 1.2'], yaml: EQUAL, hashing: 'on', smallFilesTls: '1.2' },
  note: 'as "Sallyport", in the version in which pure-ftpd resumes sessions',
};
const UNCACHED_ROW: Row = {
  ...{ name: 'Sallyport', words: ['no cache'], hashing: 'on' },
  yaml: [...EQUAL, 'authentication: [{ type: users, password_cache_ms: 0 }]'],
  note: 'as "Sallyport", with the hash of the password computed at every login',
};
const USUAL_ROW: Row = {
  ...{ name: 'Sallyport as it comes', words: [], yaml: [], hashing: 'on' },
  note: 'fsync of every upload, audit log required, receipts',
};

/** Its durability is that of the peers. */
export const equal = contestant(EQUAL_ROW);
/** For goals that say "hash and sync off". */
export const unhashed = contestant(UNHASHED_ROW);
/** Beside the one peer that resumes no session in TLS 1.3. */
export const older = contestant(OLDER_ROW);
/** What every login costs that is the first of its account for a while. */
export const uncached = contestant(UNCACHED_ROW);
/** What is installed by default. */
export const usual = contestant(USUAL_ROW);

/** The same with several processes behind one port. */
export interface SeveralProcesses {
  readonly equal: readonly Contestant[];
  readonly unhashed: readonly Contestant[];
  readonly older: readonly Contestant[];
  readonly usual: readonly Contestant[];
}

/**
 * The same rows for one process per core, or for so many; each list is empty where `sallyport check` does not know the key, and such
 * rows are left out.
 */
export async function severalProcesses(workers: 'auto' | number): Promise<SeveralProcesses> {
  const line = `workers: ${workers}`;
  if ((await whyRefused(line)) !== undefined) return { equal: [], unhashed: [], older: [], usual: [] };
  const several = (row: Row) => [
    contestant({ ...row, words: [...row.words, line], yaml: [...row.yaml, line], note: `${row.note}; ${line}` }),
  ];
  return {
    equal: several(EQUAL_ROW),
    unhashed: several(UNHASHED_ROW),
    older: several(OLDER_ROW),
    usual: several(USUAL_ROW),
  };
}

function contestant({ words, ...settings }: Row): Contestant {
  const name = words.length === 0 ? settings.name : `${settings.name} (${words.join(', ')})`;
  return sallyport({ ...settings, name });
}
