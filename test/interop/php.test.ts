/**
 * PHP's ftp_ssl_connect. It resumes the control connection's TLS session, over TLS 1.3 with each ticket once, and reads every
 * data connection to its end, where the next ticket is.
 */
import { join } from 'node:path';
import { needsLibrary, versionOf } from '../fixtures/client-libraries.ts';
import { Script, scriptedClient } from './clients/scripted.ts';
import { everydayWork } from './everyday.ts';
import { Witness } from './facts.ts';
import { waysOf } from './ways.ts';

const test = needsLibrary('php', 'ftp_ssl_connect', ['-r', "exit(function_exists('ftp_ssl_connect') ? 0 : 1);"]);
const witness = new Witness('PHP ftp_ssl_connect', versionOf('php', ['--version'], /^PHP (\d+\.\d+\.\d+)/m));

const script = new Script('php', [join(import.meta.dirname, 'clients/ftp_client.php')], (version) => ({
  OPENSSL_CONF: join(import.meta.dirname, `clients/openssl-tls-${version}.cnf`),
}));
const client = { test, witness, make: scriptedClient(script, 'always') };

everydayWork('PHP', { ...client, ways: waysOf(), lacks: [] });

witness.agreesWithPage(test);
