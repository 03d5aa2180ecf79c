/**
 * Apache commons-net's FTPSClient. It never resumes the control connection's TLS session, so it needs
 * `session_reuse: preferred`. Over TLS 1.3 Java says `user_canceled` before close_notify.
 */
import { join } from 'node:path';
import { needsLibrary, versionOf } from '../fixtures/client-libraries.ts';
import { Script, scriptedClient } from './clients/scripted.ts';
import { everydayWork, REUSE_REFUSAL, refusedWork } from './everyday.ts';
import { Witness } from './facts.ts';
import { waysOf } from './ways.ts';

const JAR = '/usr/share/java/commons-net.jar';

const test = needsLibrary('javap', 'commons-net', ['-classpath', JAR, 'org.apache.commons.net.ftp.FTPSClient']);
const witness = new Witness(
  'Java commons-net',
  versionOf('dpkg-query', ['-s', 'libcommons-net-java'], /^Version: (\d[\d.]*)/m),
);

// Java compiles a single file in memory before it runs it. The light compiler is the quicker one for so short a life.
const options = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto', '-Dfile.encoding=UTF-8'];
const script = new Script('java', [
  ...options,
  ...['--class-path', JAR, join(import.meta.dirname, 'clients/CommonsNetClient.java')],
]);
const client = { test, witness, make: scriptedClient(script, 'never') };
const reuse = { sessionReuse: 'preferred' } as const;

refusedWork('commons-net', { ...client, ability: 'transfer', ways: waysOf(), reply: REUSE_REFUSAL });
everydayWork('commons-net with session_reuse: preferred', { ...client, ways: waysOf(), lacks: [], user: reuse });

witness.agreesWithPage(test);
