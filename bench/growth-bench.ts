/** `npm run bench:growth`: how Sallyport grows with streams, entries, sessions and sizes. Writes `growth.md` and its drawings. */
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { onGround } from './ground.ts';
import { entriesSeries } from './growth/entries.ts';
import { fileSizesSeries } from './growth/file-sizes.ts';
import { drawingOf, type Grown, growthPageOf } from './growth/growth-page.ts';
import { growthScale } from './growth/growth-scale.ts';
import { heatOf, type Series } from './growth/series.ts';
import { sessionsSeries } from './growth/sessions.ts';
import { streamsSeries } from './growth/streams.ts';
import { machineFacts } from './machine.ts';
import { equal } from './own.ts';
import { proftpd } from './peers/proftpd.ts';
import { pureFtpd } from './peers/pure-ftpd.ts';
import { chosenHeats } from './run-bench.ts';
import { runMeasures } from './run-measures.ts';
import { untilAsked } from './signals.ts';
import { readWords } from './words.ts';

const words = readWords(process.argv.slice(2), 'growth.md');
const scale = growthScale(words.scale);
const beside = [equal, pureFtpd, proftpd];
const all = [
  streamsSeries(scale, beside),
  entriesSeries(scale, beside),
  sessionsSeries(scale, beside),
  fileSizesSeries(scale, [equal, pureFtpd]),
];
const heats = chosenHeats(all.map(heatOf), words);

await untilAsked((signal) =>
  onGround({ folder: words.folder, scale, signal }, async (ground) => {
    const date = new Date().toISOString().slice(0, 10);
    const machine = machineFacts(ground.folder);
    const outcomes = await runMeasures(heats, ground);
    const grown = outcomes.flatMap((outcome): Grown[] => {
      const series = all.find(({ name }) => name === outcome.measure.name);
      if (series === undefined) return [];
      return [{ series: { ...series, contestants: outcome.taken.map(({ contestant }) => contestant) }, outcome }];
    });
    const [folder, name] = [dirname(words.out), basename(words.out, '.md')];
    const drawingName = (series: Series) => `${name}-${series.name}.svg`;
    await mkdir(folder, { recursive: true });
    for (const one of grown) await writeFile(join(folder, drawingName(one.series)), drawingOf(one));
    await writeFile(words.out, growthPageOf({ date, machine, grown, drawingName }));
    ground.tell(`Written: ${words.out}`);
  }),
);
