/** A worker in a process of its own that does to the shared state what the test tells it: for `forked.test.ts`. */
import { systemClock } from '../../../src/lib/clock.ts';
import { Correspondent } from '../../../src/lib/correspondent.ts';
import { crossing } from '../../../src/server/sharing/crossing.ts';
import { processPort } from '../../../src/server/sharing/process-port.ts';
import { remoteState } from '../../../src/server/sharing/remote-state.ts';
import { stagingNames } from '../../../src/storage/staging-names.ts';

const above = new Correspondent(processPort(process), {
  ...{ clock: systemClock, waitMaxMs: 8_000, failures: crossing },
  failed: (error) => console.error(error),
});
const { connections, uploads, audit } = remoteState({ above, clock: systemClock, audited: true });
const names = stagingNames('alice', 'a.txt', 'boot');

above.serve({
  /** How many of so many connections are let in. */
  'test.connect': async ({ argument }) => {
    const tries = Array.from({ length: Number(argument) }, async (_, i) =>
      connections.connect(`${process.pid} ${i}`, `192.0.2.${i}`),
    );
    const came = await Promise.allSettled(tries);
    return came.filter(({ status }) => status === 'fulfilled').length;
  },
  'test.claim': async () => (await uploads.claim('1:2', names)).first,
  'test.isBusy': () => uploads.isBusy('1:2'),
  'test.record': async ({ argument }) => {
    const record = {
      event: 'file.deleted',
      result: 'success',
      who: {},
      origin: {},
      object: { path: argument },
    } as const;
    const object = { path: String(argument) };
    return (await audit?.log.append({ ...record, object }))?.index;
  },
});
// With the channel the process ends, as a worker does.
above.onGone(() => process.exit(0));
