/**
 * `npm run bench:profile -- stor-1`: where the CPU of a server in Node goes during one measure. Prints tables; the profiles themselves go
 * to `var/profile`, for the developer tools of Chromium.
 */
import { globSync } from 'node:fs';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onGround } from './ground.ts';
import { peersHeats } from './peers-heats.ts';
import { profilePage } from './profile/profile-page.ts';
import { Watched } from './profile/watched.ts';
import { chosenHeats } from './run-bench.ts';
import { runMeasures } from './run-measures.ts';
import { untilAsked } from './signals.ts';
import { readWords, type Words } from './words.ts';

const ROOT = new URL('../', import.meta.url).href;

await untilAsked((signal) => profile(readWords(wordsOf(process.argv.slice(2)), 'profile'), signal));

/** A measure may stand there without `--measures=`. */
function wordsOf(args: readonly string[]): string[] {
  const usual = ['--contestants=Sallyport', '--repetitions=3'];
  return [...usual, ...args.map((word) => (word.startsWith('-') ? word : `--measures=${word}`))];
}

async function profile(words: Words, signal: AbortSignal): Promise<void> {
  const [heat, ...others] = chosenHeats(await peersHeats(words.scale), words);
  if (heat === undefined || others.length > 0 || heat.contestants.length !== 1)
    throw new Error('name one measure, such as stor-1, and one contestant');
  const watched = new Watched();
  await onGround({ ...words, signal, watch: (moment, server) => watched.look(moment, server) }, async (ground) => {
    const folder = join(ground.folder, 'profiles');
    // By the environment, so that all processes of a server are looked at.
    process.env.NODE_OPTIONS = `--cpu-prof --cpu-prof-dir=${folder} --cpu-prof-interval=500`;
    const [outcome] = await runMeasures([heat], ground);
    const failure = outcome?.taken[0]?.failure;
    if (failure !== undefined) throw new Error(failure);
    const files = globSync(join(folder, '*.cpuprofile'));
    if (files.length === 0) throw new Error('the server left no profile: only those in Node do');
    await cp(folder, words.out, { recursive: true });
    const looks = watched.looks.slice(outcome?.measure.server === 'fresh' ? 0 : ground.warmups);
    const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
    process.stdout.write(`${profilePage({ title: heat.measure.title, texts, looks, root: ROOT })}\n`);
    ground.tell(`The profiles are in ${words.out}`);
  });
}
