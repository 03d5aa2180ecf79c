/** How measures are run: in turns, with what is missing or fails told and never dropped. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Contestant, Presence } from '../../bench/contestant.ts';
import type { Measure } from '../../bench/measure.ts';
import { medianOf, spreadIn } from '../../bench/outcome.ts';
import { pageOf } from '../../bench/report.ts';
import { runMeasures } from '../../bench/run-measures.ts';
import { spreadOf } from '../../bench/statistics.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';

/** A contestant without a process; `log` has what was done to it. */
function contestant(name: string, log: string[], presence: Presence = { version: '1' }): Contestant {
  return {
    ...{ name, side: name === 'ours' ? 'own' : 'peer', note: 'a | note' },
    presence: () => presence,
    async start({ folder }) {
      log.push(`${name} starts`);
      await writeFile(join(folder, 'started'), '');
      return {
        ...{ name, port: 1, user: '', password: '', directory: '', pid: 0, metricsUrl: undefined },
        ...{ manner: { hesitateMs: 0, smallFilesTls: '1.3' } },
        async stop() {
          log.push(`${name} stops`);
        },
      };
    },
  };
}

/** A measure that says which figure it takes of whom. */
function measure(name: string, figureOf: (server: string) => number, more: Partial<Measure> = {}): Measure {
  return {
    ...{ name, title: `Measure ${name}`, text: 'Text.', server: 'kept', repetitions: 3 },
    columns: [{ key: 'cost', heading: 'cost', digits: 1, better: 'lower' }],
    prepare: async () => undefined,
    take: async ({ server }) => ({ cost: figureOf(server.name) }),
    clean: async () => undefined,
    ...more,
  };
}

async function groundIn(folder: string, secondsMax = 5, signal = new AbortController().signal) {
  await mkdir(folder, { recursive: true });
  const tell = () => undefined;
  const given = { certFile: '', keyFile: '', load: '', warmups: 1, secondsMax, calmMs: 1, passwords: 'cheap' as const };
  return { folder, ...given, signal, tell };
}

test('who is missing and who fails has a row that says why, and the others go on', async () => {
  const log: string[] = [];
  const contestants = [
    contestant('ours', log),
    contestant('peer', log),
    contestant('broken', log),
    contestant('absent', log, { missing: 'not installed' }),
  ];
  let count = 0;
  const sound = measure('sound', (name) => (name === 'ours' ? 4 : 2));
  const failing = measure('failing', (name) => {
    // In its second repetition that counts.
    if (name === 'broken' && ++count === 3) throw new Error('425 | No.\nAt all.');
    return 1;
  });
  const heats = [failing, sound].map((each) => ({ measure: each, contestants }));
  const outcomes = await runMeasures(heats, await groundIn(await temporaryFolder()));
  expect(outcomes.map(({ taken }) => taken.map(({ figures, failure }) => [figures.length, failure]))).toEqual([
    [
      [3, undefined],
      [3, undefined],
      [1, '425 | No. At all.'],
      [0, 'not run: not installed'],
    ],
    [
      [3, undefined],
      [3, undefined],
      [3, undefined],
      [0, 'not run: not installed'],
    ],
  ]);
  const page = pageOf({
    ...{ title: 'Page', text: ['Words.'], date: 'today', machine: [['CPU', 'one']], reference: 'best peer', outcomes },
    goals: [
      {
        ...{ text: 'known', digits: 1, reached: (cost) => cost < 3 },
        figure: (all) => all[1] && medianOf(all[1], 'ours', 'cost'),
      },
      {
        ...{ text: 'unknown', digits: 1, reached: () => true },
        figure: (all) => all[0] && medianOf(all[0], 'broken', 'cost'),
      },
    ],
  });
  expect(page).toContain(
    '| ours | 4.0 | x 2.00 |\n| peer | 2.0 | x 1.00 |\n| broken | 2.0 | x 1.00 |\n| absent | - | - |',
  );
  expect(page).toContain(
    '| broken | - | - |\n| absent | - | - |\n\n- broken: 425 \\| No. At all.\n- absent: not run: not installed',
  );
  expect(page).toContain('| absent | not run: not installed | a \\| note |');
  expect(page).toContain('| known | 4.0 | **not reached** |\n| unknown | - | not known: see the failures below |');
  // The broken one was started again for the measure behind, and all that ran were stopped.
  expect(log.filter((line) => line === 'broken starts')).toHaveLength(2);
  expect(log.filter((line) => line.endsWith('starts'))).toHaveLength(
    log.filter((line) => line.endsWith('stops')).length,
  );
});

test('a repetition that takes too long is a failure with that reason', async () => {
  const endless = measure('endless', () => 0, {
    take: ({ load }) =>
      new Promise((_, reject) => load.signal.addEventListener('abort', () => reject(load.signal.reason))),
  });
  const heats = [{ measure: endless, contestants: [contestant('ours', [])] }];
  const [outcome] = await runMeasures(heats, await groundIn(await temporaryFolder(), 0.05));
  expect(outcome?.taken[0]?.failure).toBe('a repetition took longer than 0.05 s');
});

test('servers are stopped when a measure cannot be prepared', async () => {
  const log: string[] = [];
  const contestants = [contestant('ours', log)];
  const unprepared = measure('unprepared', () => 0, { prepare: () => Promise.reject(new Error('the disk is full')) });
  const heats = [measure('sound', () => 1), unprepared].map((each) => ({ measure: each, contestants }));
  await expect(runMeasures(heats, await groundIn(await temporaryFolder()))).rejects.toThrow('the disk is full');
  expect(log).toEqual(['ours starts', 'ours stops']);
});

test('each repetition begins with another contestant, and the warm-up counts for nobody', async () => {
  const turns: string[] = [];
  const taking = measure('taking', (name) => turns.push(name));
  const contestants = ['a', 'b', 'c'].map((name) => contestant(name, []));
  const [outcome] = await runMeasures([{ measure: taking, contestants }], await groundIn(await temporaryFolder()));
  expect(turns.join('')).toBe('abcbcacababc');
  expect(outcome?.taken.map(({ figures }) => figures.map(({ cost }) => cost))).toEqual([
    [6, 8, 10],
    [4, 9, 11],
    [5, 7, 12],
  ]);
});

test('where each repetition wants a fresh server, it has one, and nothing to warm up', async () => {
  const log: string[] = [];
  const fresh = measure('fresh', () => log.push('taken'), { server: 'fresh', repetitions: 2 });
  const heats = [{ measure: fresh, contestants: [contestant('ours', log)] }];
  await runMeasures(heats, await groundIn(await temporaryFolder()));
  expect(log).toEqual(['ours starts', 'taken', 'ours stops', 'ours starts', 'taken', 'ours stops']);
});

test.each([
  [[3], { median: 3, min: 3, max: 3 }],
  [[5, 1, 3], { median: 3, min: 1, max: 5 }],
  [[10, 9, 1, 2], { median: 5.5, min: 1, max: 10 }],
])('the middle of %j', (figures, spread) => {
  expect(spreadOf(figures)).toEqual(spread);
});

test('no figures have no middle', () => {
  expect(() => spreadOf([])).toThrow(RangeError);
  const taken = { contestant: contestant('ours', []), figures: [{ other: 1 }], failure: undefined };
  expect(spreadIn(taken, 'cost')).toBeUndefined();
});

test('measures of one kind warm servers up for each other, unless the server was started anew', async () => {
  const turns: string[] = [];
  let failed = false;
  const first = measure('first', (name) => turns.push(`1${name}`), { kind: 'same', repetitions: 1 });
  const failing = measure('failing', (name) => {
    if (name === 'a' && !failed) {
      failed = true;
      throw new Error('425');
    }
    return 0;
  });
  const last = measure('last', (name) => turns.push(`3${name}`), { kind: 'same', repetitions: 1 });
  const contestants = ['a', 'b'].map((name) => contestant(name, []));
  const heats = [first, failing, last].map((each) => ({ measure: each, contestants }));
  await runMeasures(heats, await groundIn(await temporaryFolder()));
  expect(turns.join(' ')).toBe('1a 1b 1b 1a 3a 3b 3a');
});

test('a run that is ended stops its servers and throws the reason, and no measure is told to have failed', async () => {
  const log: string[] = [];
  const ending = new AbortController();
  const endless = measure('endless', () => 0, {
    take: ({ load }) => {
      ending.abort(new Error('enough'));
      return Promise.reject(load.signal.reason);
    },
  });
  const heats = [{ measure: endless, contestants: [contestant('ours', log)] }];
  const ground = await groundIn(await temporaryFolder(), 5, ending.signal);
  await expect(runMeasures(heats, ground)).rejects.toThrow('enough');
  expect(log).toEqual(['ours starts', 'ours stops']);
});
