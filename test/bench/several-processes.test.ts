/** Rows that need a newer Sallyport are left out by what `sallyport check` says of their key. */
import { expect, test } from 'vitest';
import { severalProcesses } from '../../bench/own.ts';
import { whyRefused } from '../../bench/sallyport.ts';

/** Each of them starts Sallyport, which takes a second on a quiet machine. */
const MAX_MS = 120_000;

test(
  'a key that there is not is refused, and one that there is, is not',
  async () => {
    expect(await whyRefused('wrokers: 1')).toContain('wrokers: ');
    expect(await whyRefused('log: { level: error }')).toBeUndefined();
  },
  MAX_MS,
);

test(
  'there are rows with several processes where the key is known, and none where it is not',
  async () => {
    const known = (await whyRefused('workers: 1')) === undefined;
    const { equal, unhashed, older, usual } = await severalProcesses(1);
    const names = [equal, unhashed, older, usual].flat().map(({ name }) => name);
    expect(names).toEqual(
      known
        ? [
            ...['Sallyport (workers: 1)', 'Sallyport (unhashed, workers: 1)', 'Sallyport (TLS 1.2, workers: 1)'],
            'Sallyport as it comes (workers: 1)',
          ]
        : [],
    );
  },
  MAX_MS,
);
