/** `npm run bench:intake`: what it costs that uploads can be proven. Writes `intake.md`. */
import { fileURLToPath } from 'node:url';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { sharedSyncs } from './measures/shared-syncs.ts';
import { upload } from './measures/upload.ts';
import { medianOf, type Outcome } from './outcome.ts';
import type { Goal } from './report.ts';
import { runBench } from './run-bench.ts';
import { EQUAL, sallyport } from './sallyport.ts';
import type { Scale } from './scale.ts';

const recipient = await identityToRecipient(await generateX25519Identity());
const gate = fileURLToPath(new URL('passing-gate.ts', import.meta.url));

const off = sallyport({
  name: 'all off',
  note: 'no fsync, no audit log and so no receipts, and the work of SHA-256 taken out',
  yaml: EQUAL,
  hashing: 'off',
});
const hashed = sallyport({ name: 'SHA-256', note: 'SHA-256 alone', yaml: EQUAL, hashing: 'on' });
const synced = sallyport({
  name: 'SHA-256, fsync',
  note: 'and every upload synced before 226',
  yaml: ['audit: { requirement: off }'],
  hashing: 'on',
});
const on = sallyport({
  name: 'all on',
  note: 'as it comes: and audit log required, receipts',
  yaml: [],
  hashing: 'on',
});
const encrypted = sallyport({
  name: 'all on, encrypt_to',
  note: 'and encrypted for one recipient of age (X25519)',
  yaml: [`intake: { encrypt_to: [${recipient}] }`],
  hashing: 'on',
});
const gated = sallyport({
  name: 'all on, a gate',
  note: 'and a gate in TypeScript that reads the file and lets it pass',
  yaml: [`modules: [${gate}]`, 'intake: { gates: [passing] }'],
  hashing: 'on',
});

await runBench(
  {
    title: 'What proof costs',
    text: [
      'Written by `npm run bench:intake`; [docs/performance.md](../docs/performance.md) tells how to read it. Median (lowest-highest) ' +
        'of the repetitions; behind it the ratio to "all off".',
      'Sallyport has no switch for SHA-256, since the reply to an upload and its receipt tell it: in "all off" the bench replaces ' +
        'the hash of the running program by one that does nothing.',
    ],
    page: 'intake.md',
    reference: { name: off.name },
    goals: [throughputGoal(), syncsGoal(1_024), syncsGoal(65_536)],
    heats,
  },
  process.argv.slice(2),
);

function heats(scale: Scale) {
  const parallel = [sharedSyncs(scale, 1_024), sharedSyncs(scale, 65_536)];
  return [
    { measure: upload(scale, 1), contestants: [off, hashed, synced, on, encrypted, gated] },
    ...parallel.map((measure) => ({ measure, contestants: [off, synced, on, encrypted, gated] })),
  ];
}

function throughputGoal(): Goal {
  return {
    text: 'One upload stream with all on has at least 0.60 of the throughput that it has with all off',
    digits: 2,
    reached: (ratio) => ratio >= 0.6,
    figure(outcomes) {
      const outcome = named(outcomes, 'stor-1');
      const [slow, fast] = [on, off].map(({ name }) => outcome && medianOf(outcome, name, 'mibPerSecond'));
      return slow === undefined || fast === undefined ? undefined : slow / fast;
    },
  };
}

function syncsGoal(bytes: number): Goal {
  return {
    text: `Uploads of ${bytes / 1_024} KiB in parallel take fewer than one audit sync each`,
    digits: 3,
    reached: (syncs) => syncs < 1,
    figure(outcomes) {
      const outcome = named(outcomes, `parallel-${bytes}`);
      return outcome && medianOf(outcome, on.name, 'syncsPerUpload');
    },
  };
}

function named(outcomes: readonly Outcome[], name: string): Outcome | undefined {
  return outcomes.find(({ measure }) => measure.name === name);
}
