/** What a transfer keeps while others log in without a pause. */
import { empty, layDirectory, layFile } from '../home-files.ts';
import { type Load, runBeside } from '../load.ts';
import type { Measure } from '../measure.ts';
import { type Scale, sizeText } from '../scale.ts';

/** Clients of the flood. */
const CLIENTS = 8;

/** One stream alone, beside right passwords, and beside wrong ones; and how soon a session is answered meanwhile. */
export function loginFlood({ repetitions, seconds, mediumBytes }: Scale, direction: 'retr' | 'stor'): Measure {
  const verb = direction.toUpperCase();
  const options =
    direction === 'retr' ? { path: 'medium', seconds } : { path: 'in/medium', size: mediumBytes, seconds };
  const transfer: Load = { mode: direction, options };
  return {
    name: `login-flood-${direction}`,
    title: `${verb} while ${CLIENTS} clients log in without a pause`,
    text:
      `One stream of ${sizeText(mediumBytes)} again and again: alone, beside clients with the right password, and beside clients with a ` +
      'wrong one. What the flood leaves of its speed alone, in the same repetition, is what counts; the clients take part of the ' +
      'same processors. NOOP is asked every 10 ms beside the flood of right passwords.',
    columns: [
      { key: 'rightShare', heading: 'right: speed left', digits: 2, better: 'higher' },
      { key: 'wrongShare', heading: 'wrong: speed left', digits: 2, better: 'higher' },
      { key: 'mibPerSecond', heading: 'MiB/s alone', digits: 0 },
      { key: 'perSecond', heading: 'logins/s', digits: 0 },
      { key: 'noopP99Ms', heading: 'NOOP p99 ms', digits: 1 },
    ],
    server: 'kept',
    repetitions: Math.min(repetitions, 5),
    async prepare(home, shared) {
      await layFile(home, shared, { name: 'medium', bytes: mediumBytes });
      await layDirectory(home, 'in');
    },
    async take({ server, load }) {
      // Longer than the transfer, so that nothing of it is left to be done in peace.
      const clients = { connections: CLIENTS, seconds: 1.5 * seconds };
      const noop: Load = { mode: 'noop', options: { seconds } };
      const [alone] = await runBeside(load, server, [transfer]);
      const [right, logins, asked] = await runBeside(load, server, [
        transfer,
        { mode: 'login', options: clients },
        noop,
      ]);
      const [wrong] = await runBeside(load, server, [transfer, { mode: 'guess', options: clients }]);
      if (logins === undefined || asked === undefined) throw new Error('nothing was reported');
      return {
        rightShare: speedOf(right) / speedOf(alone),
        wrongShare: speedOf(wrong) / speedOf(alone),
        mibPerSecond: speedOf(alone),
        perSecond: logins.operations / logins.seconds,
        noopP99Ms: 1_000 * asked.p99,
      };
    },
    clean: empty,
  };
}

function speedOf(reported: { readonly bytes: number; readonly seconds: number } | undefined): number {
  if (reported === undefined || reported.bytes === 0) throw new Error('nothing was moved');
  return reported.bytes / 2 ** 20 / reported.seconds;
}
