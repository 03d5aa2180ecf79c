/**
 * Ruby's net/ftp. It resumes the control connection's TLS session, over TLS 1.3 with each ticket once. A download brings it
 * another; an upload does not, for it closes without reading: a login that goes on behind an upload needs TLS 1.2 or
 * `session_reuse: preferred`.
 */
import { join } from 'node:path';
import { needsLibrary, versionOf } from '../fixtures/client-libraries.ts';
import { Script, scriptedClient } from './clients/scripted.ts';
import { everydayWork, REUSE_REFUSAL, refusedWork } from './everyday.ts';
import { Witness } from './facts.ts';
import { waysOf } from './ways.ts';

const test = needsLibrary('ruby', 'net/ftp', ['-r', 'net/ftp', '-e', '0']);
const witness = new Witness(
  'Ruby net/ftp',
  versionOf('ruby', ['-r', 'net/ftp', '-e', 'puts Net::FTP::VERSION'], /(\S+)/),
);

const script = new Script('ruby', [join(import.meta.dirname, 'clients/net_ftp_client.rb')]);
const client = { test, witness, make: scriptedClient(script, 'always') };

refusedWork('net/ftp', {
  ...client,
  ability: 'many',
  ways: waysOf({ version: '1.3', family: 'IPv4' }),
  reply: REUSE_REFUSAL,
});
everydayWork('net/ftp', { ...client, ways: waysOf({ version: '1.2' }), lacks: [] });
everydayWork('net/ftp', { ...client, ways: waysOf({ version: '1.3' }) });
everydayWork('net/ftp with session_reuse: preferred', {
  ...client,
  ways: waysOf({ version: '1.3' }),
  lacks: [],
  user: { sessionReuse: 'preferred' },
});

witness.agreesWithPage(test);
