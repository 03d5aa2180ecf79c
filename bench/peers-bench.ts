/** `npm run bench`: Sallyport and its peers side by side. Writes `results.md`. */
import { peersGoals } from './goals.ts';
import { peersHeats } from './peers-heats.ts';
import { runBench } from './run-bench.ts';

await runBench(
  {
    title: 'Sallyport and its peers',
    text: [
      'Written by `npm run bench`; [docs/performance.md](../docs/performance.md) tells how to read it. Median (lowest-highest) of the ' +
        'repetitions; behind it the ratio to the best peer of the column. CPU is that of the server and of all its processes, and ' +
        'steady on a busy machine; wall time is not, and the load generator takes its share of the same cores.',
      'TLS 1.3 with RSA-2048, all on loopback, each server with one account and its own copy of the files. No peer syncs an upload ' +
        'to the disk before it tells 226, or hashes it.',
    ],
    page: 'results.md',
    reference: 'best peer',
    goals: peersGoals(),
    heats: peersHeats,
  },
  process.argv.slice(2),
);
