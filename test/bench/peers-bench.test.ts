/**
 * `npm run bench`, run as tiny as it goes, so that it still runs when somebody wants figures. Nothing is said of times. Peers that are
 * installed take part; which of them are is not for this test to say.
 */
import { expect } from 'vitest';
import { benchTest, FIGURE, pageOf } from './bench-programs.ts';

const PEERS = ['pure-ftpd', 'proftpd', 'vsftpd', 'pyftpdlib', 'ftp-srv'];
const SMALL = ['STOR', 'RETR'].map((verb) => `${verb} of 1 KiB files, 1 at a time`);
/** Where everybody takes part; the other measures resemble these. */
const WHOLE_FIELD = [
  ...['RETR of 1 MiB, 1 at a time', 'STOR of 1 MiB, 1 at a time', ...SMALL],
  ...['Logins, 8 at a time', 'LIST of 20 entries', '4 idle sessions'],
];

benchTest()(
  'Sallyport and its peers: each measure has a row for every contestant, with figures or with why there are none',
  async () => {
    const { measured, text, goals, failures, files } = await pageOf('peers-bench.ts');
    expect(files).toEqual(['page.md']);
    const [streams, at] = [['1 MiB, 1', '256 KiB, 4', '64 KiB, 16'], 'at a time'];
    expect(measured.map(({ title }) => title)).toEqual([
      ...['RETR', 'STOR'].flatMap((verb) => streams.map((many) => `${verb} of ${many} ${at}`)),
      ...['1 KiB', '64 KiB'].flatMap((size) =>
        ['STOR', 'RETR'].flatMap((verb) => [1, 8].map((many) => `${verb} of ${size} files, ${many} ${at}`)),
      ),
      'Logins, 8 at a time',
      ...['RETR while 8 clients log in without a pause', 'STOR while 8 clients log in without a pause'],
      ...['downloads', 'uploads'].flatMap((beside) =>
        [1, 8].map((many) => `NOOP while 4 ${beside} run, ${many} ${at}`),
      ),
      ...['LIST of 20 entries', 'MLSD of 20 entries', '4 idle sessions'],
    ]);
    for (const { title, rows } of measured) {
      const names = rows.map(([name]) => name);
      expect(names, title).toEqual(expect.arrayContaining(['Sallyport', 'Sallyport as it comes', 'pure-ftpd']));
      if (WHOLE_FIELD.includes(title)) expect(names, title).toEqual(expect.arrayContaining(PEERS));
      for (const [name = '', first] of rows) {
        // Ours are measured in any case; a peer may not be installed.
        if (!name.startsWith('Sallyport') && first === '-')
          expect(text, `${name} in ${title}`).toContain(`- ${name}: `);
        else expect(first, `${name} in ${title}\n${failures}`).toMatch(FIGURE);
      }
    }
    // What Sallyport alone has to reach is known whoever else is there.
    const alone = goals.filter(([goal]) => /^(KiB for each|noop-|LIST|MLSD)/.test(goal ?? ''));
    expect(alone).toHaveLength(11);
    for (const [goal, figure, verdict] of alone) {
      expect(figure, goal).toMatch(FIGURE);
      expect(verdict, goal).toMatch(/^(\*\*not reached\*\*|reached)$/);
    }
  },
  600_000,
);
