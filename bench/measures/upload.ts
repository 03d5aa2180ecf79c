/** One or more uploads of a large file, each on a session of its own. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { byteFigures } from '../figures.ts';
import { empty, layDirectory } from '../home-files.ts';
import { type LoadProgram, measure } from '../load.ts';
import { BYTES_COLUMNS, type Measure } from '../measure.ts';
import { type Scale, sizeText } from '../scale.ts';

/**
 * STOR of the large file over one connection, or of as many bytes over several at once. What was stored is removed behind each repetition.
 * In front of each that counts the same is done once uncounted: on a virtual machine the memory for a file's pages may be the host's by
 * now, and whoever takes it first waits for the host, up to 3.8 s of CPU for 1 GiB in place of 0.3.
 */
export function upload({ repetitions, largeBytes }: Scale, streams: number): Measure {
  const bytes = largeBytes / streams;
  return {
    name: `stor-${streams}`,
    title: `STOR of ${sizeText(bytes)}, ${streams} at a time`,
    text: 'Measured from the command to the last 226; the stored file is removed behind each repetition, and in front of each is one that does not count.',
    columns: BYTES_COLUMNS,
    server: 'kept',
    kind: 'stor',
    repetitions: streams === 1 ? repetitions : Math.min(repetitions, 3),
    prepare: async (home) => void (await layDirectory(home, 'in')),
    async take({ server, home, load, warmsUp }) {
      const options = { path: 'in/large', size: bytes, connections: streams };
      const once = async (program: LoadProgram) => {
        const measured = await measure(program, server, { mode: 'stor', options });
        const { size } = await stat(join(home, 'in/large.0'));
        if (size < bytes) throw new Error(`${size} bytes were stored`);
        await empty(join(home, 'in'));
        return measured;
      };
      // Nobody watches what does not count.
      const { watch, ...unwatched } = load;
      if (!warmsUp) await once(unwatched);
      return byteFigures(await once(load));
    },
    clean: empty,
  };
}
