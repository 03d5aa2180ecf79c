/** What is held back by the word of the files in the state directory, for while no gateway runs. Nothing is changed. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Intent, intentSchema } from '../intake/doors/upload.ts';
import { ifThere } from '../lib/error-code.ts';
import { CommandFailure } from './command-failure.ts';

/** The uploads that are held back, the oldest first. @throws CommandFailure when the files cannot be read. */
export async function heldInFiles(stateDirectory: string): Promise<readonly Intent[]> {
  const folder = join(stateDirectory, 'intake');
  try {
    // Workers have folders of their own in there.
    const names = (await readdir(folder, { recursive: true })).filter((name) => INTENT.test(name));
    const intents = await Promise.all(names.map((name) => readIntent(join(folder, name))));
    return intents
      .flatMap((intent) => (intent?.state === 'quarantined' ? [intent] : []))
      .sort((a, b) => a.upload.arrivedMs - b.upload.arrivedMs);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandFailure('failure', `No gateway runs, and what it left cannot be read: ${why}`, { cause: error });
  }
}

const INTENT = /^(?:worker-[0-9a-f]+\/)?[0-9a-f]{24}\.json$/;

async function readIntent(path: string): Promise<Intent | undefined> {
  const text = await ifThere(readFile(path, 'utf8'));
  // Settled since the folder was read.
  if (text === undefined) return undefined;
  try {
    return intentSchema.safeParse(JSON.parse(text)).data;
  } catch {
    // Cut short by a crash: the next start of the gateway looks at it.
    return undefined;
  }
}
