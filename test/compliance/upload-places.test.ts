/** Where uploads can arrive, against what the gateway itself decides there. */
import { expect, test } from 'vitest';
import { FakeClock } from '../../src/lib/clock.ts';
import { ROOT, resolvePath } from '../../src/protocol/virtual-path.ts';
import { explainAccess } from '../../src/server/explain.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { account } from './cases.ts';
import { evaluated } from './evaluate.ts';

const PATHS = ['/', '/in', '/in/*', '/in/deep', '/out', '/drop', '/drop/*', '/any', '/shared'];

test('a place takes uploads in the report where it does in the gateway', async () => {
  const { files } = await testCertificates();
  const host = { certificate_file: files.cert, key_file: files.key, name: 'localhost', intake: { profile: 'outbox' } };
  const config = {
    directories: [
      { path: '/drop', recursive: false, intake: { profile: 'drop' } },
      { path: '/out', intake: { profile: 'outbox' } },
    ],
    hosts: [{ ...host, directories: [{ path: '/shared', intake: { profile: 'exchange' } }] }],
    users: [
      account({ permissions: 'elradfmw' }),
      account({
        name: 'other',
        permissions: 'elr',
        intake: { profile: 'inbox' },
        directories: [
          { path: '/in', permissions: 'elw', recursive: false },
          { path: '/in/deep', permissions: 'ela', intake: { profile: 'inbox', allow: 'a' } },
          { path: '/drop', permissions: 'elw' },
        ],
      }),
    ],
  };
  const { facts } = await evaluated({ config });
  const reported = new Set(facts.uploads.map((place) => `${place.account} ${place.host} ${place.path}`));
  const wrong: string[] = [];
  let open = 0;
  for (const user of ['acme', 'other']) {
    for (const name of [undefined, 'localhost']) {
      for (const directory of PATHS) {
        const path = resolvePath(ROOT, `${directory}/file`) ?? ROOT;
        const imagined = { user, path, verb: 'STOR', address: '192.0.2.1', host: name, tls: 'TLSv1.3' };
        const { letters } = await explainAccess(imagined, {
          options: facts.options,
          modules: [],
          clock: new FakeClock(),
        });
        const takes = /[wa]/.test(letters.around);
        if (takes) open += 1;
        // Where nobody says anything of a directory, the one around it speaks for it.
        const known = directory === '/any' ? '/' : directory;
        const said = ['/shared', '/in', '/in/*', '/in/deep'].includes(known);
        const there = [known, ...(said ? ['/'] : [])].some((one) => reported.has(`${user} ${name} ${one}`));
        if (takes && !there) wrong.push(`${user} at ${name}: ${directory} takes uploads and is not reported`);
        if (!takes && reported.has(`${user} ${name} ${known}`))
          wrong.push(`${user} at ${name}: ${directory} takes none`);
      }
    }
  }
  expect(wrong).toEqual([]);
  expect(open).toBeGreaterThan(8);
});
