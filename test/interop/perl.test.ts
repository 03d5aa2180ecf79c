/**
 * Perl's Net::FTP with IO::Socket::SSL. In passive mode it never finds the control connection's TLS session, in active mode
 * it does: passive needs `session_reuse: preferred`, or one line more. Over TLS 1.3 it uses each ticket once.
 */
import { join } from 'node:path';
import { needsLibrary, versionOf } from '../fixtures/client-libraries.ts';
import { Script, scriptedClient } from './clients/scripted.ts';
import { everydayWork, REUSE_REFUSAL, refusedWork } from './everyday.ts';
import { Witness } from './facts.ts';
import { waysOf } from './ways.ts';

const test = needsLibrary('perl', 'IO::Socket::SSL', ['-MIO::Socket::SSL', '-e', '1']);
const version = versionOf('perl', ['-MNet::FTP', '-e', 'print "Net::FTP $Net::FTP::VERSION"'], /Net::FTP (\S+)/);
const witness = new Witness('Perl Net::FTP', version);
const tuned = new Witness('Perl Net::FTP with a session key', version);

const script = new Script('perl', [join(import.meta.dirname, 'clients/net_ftp_client.pl')]);
const client = { test, witness, make: scriptedClient(script, 'never') };
const resuming = { test, witness: tuned, make: scriptedClient(script, 'always') };
const lenient = { sessionReuse: 'preferred' } as const;

refusedWork('Net::FTP', {
  ...client,
  ability: 'transfer',
  ways: waysOf({ mode: 'passive' }),
  reply: REUSE_REFUSAL,
});
refusedWork('Net::FTP', {
  ...client,
  ability: 'many',
  ways: waysOf({ mode: 'active', version: '1.3' }),
  reply: REUSE_REFUSAL,
});
refusedWork('Net::FTP with a session key', {
  ...resuming,
  ability: 'many',
  ways: waysOf({ mode: 'passive', version: '1.3' }),
  reply: REUSE_REFUSAL,
});

everydayWork('Net::FTP', { ...client, ways: waysOf({ mode: 'active', version: '1.2' }), lacks: [] });
everydayWork('Net::FTP', { ...client, ways: waysOf({ mode: 'active', version: '1.3' }) });
everydayWork('Net::FTP with a session key', {
  ...resuming,
  ways: waysOf({ mode: 'passive', version: '1.2' }),
  lacks: [],
});
everydayWork('Net::FTP with a session key', { ...resuming, ways: waysOf({ mode: 'passive', version: '1.3' }) });
everydayWork('Net::FTP with session_reuse: preferred', { ...client, ways: waysOf(), lacks: [], user: lenient });

witness.agreesWithPage(test);
tuned.agreesWithPage(test);
