/** One data connection of Node's tls. Arguments: port, version, way; an upload comes from standard input, a download goes to standard output. */
import { readFileSync, writeSync } from 'node:fs';
import { connect, type SecureVersion } from 'node:tls';

const [port, version, way] = process.argv.slice(2);
const only = version as SecureVersion;
const client = connect({
  port: Number(port),
  host: '127.0.0.1',
  minVersion: only,
  maxVersion: only,
  rejectUnauthorized: false,
});
client.on('secureConnect', () => {
  if (way === 'download') return;
  const content = readFileSync(0);
  if (way === 'end') client.end(content);
  else client.write(content, () => client.destroySoon());
});
client.on('data', (chunk: Buffer) => writeSync(1, chunk));
