/**
 * Runs every transcript in this folder against a real gateway over real sockets. A transcript reads like an FTP session:
 *
 *   # comment
 *   F: name text      a file in the account's home before the client connects
 *   O: policy=value   a policy of the gateway, such as tls_data_required=false
 *   L:                connect, AUTH TLS, log in, PBSZ 0, PROT P, TYPE I; without it the client has only connected
 *   T:                the client's TLS handshake
 *   C: line           the client sends this
 *   S: 250 text       the server answers with this code and, where it is given, this text somewhere in the reply
 *   X:                the server closes the connection
 */
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway } from '../fixtures/gateway.ts';

const FOLDER = import.meta.dirname;

interface Step {
  readonly line: number;
  readonly kind: string;
  readonly text: string;
}

function stepsOf(file: string): Step[] {
  return readFileSync(join(FOLDER, file), 'utf8')
    .split('\n')
    .map((text, index) => ({ line: index + 1, text }))
    .filter(({ text }) => text !== '' && !text.startsWith('#'))
    .map(({ line, text }) => {
      const match = /^([FOLTCSX]):(?: (.*))?$/.exec(text);
      if (match?.[1] === undefined) throw new Error(`${file}:${line}: not a step: ${text}`);
      return { line, kind: match[1], text: match[2] ?? '' };
    });
}

function optionsOf(steps: readonly Step[]) {
  const set = (name: string) => !steps.some(({ kind, text }) => kind === 'O' && text === `${name}=false`);
  return { tlsControlRequired: set('tls_control_required'), tlsDataRequired: set('tls_data_required') };
}

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.ftp'))) {
  test(`the conversation ${file} goes as written`, async () => {
    const steps = stepsOf(file);
    const gateway = await startGateway(optionsOf(steps));
    for (const { kind, text } of steps) {
      const [name = '', ...words] = text.split(' ');
      if (kind === 'F') await writeFile(join(gateway.home, name), words.join(' '));
    }
    const client = steps.some(({ kind }) => kind === 'L')
      ? await RawClient.login(gateway)
      : await RawClient.connect(gateway);
    for (const { line, kind, text } of steps) {
      const where = `${file}:${line}`;
      if (kind === 'T') await client.startTls();
      if (kind === 'C') client.write(`${text}\r\n`);
      if (kind === 'X') await client.end();
      if (kind === 'S') {
        const reply = await client.reply();
        const [code = '', ...words] = text.split(' ');
        expect(`${where} ${reply.slice(0, 3)}`, reply).toBe(`${where} ${code}`);
        expect(reply, where).toContain(words.join(' '));
      }
    }
    client.close();
  });
}
