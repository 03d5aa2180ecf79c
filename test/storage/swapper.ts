/** Run as a process: swaps `place` for a symlink to the outside and back until it is killed. */
import { renameSync } from 'node:fs';
import { join } from 'node:path';

const home = process.argv[2] ?? '';
const [place, real, evil] = [join(home, 'place'), join(home, 'real'), join(home, 'evil')];

process.send?.('swapping');
for (;;) {
  renameSync(place, real);
  renameSync(evil, place);
  renameSync(place, evil);
  renameSync(real, place);
}
