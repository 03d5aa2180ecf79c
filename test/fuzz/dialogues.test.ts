/**
 * Whole random dialogues over real sockets. Whatever is sent, cut in whatever pieces: nothing breaks, every command has
 * exactly one final reply, and replies come in the order of their commands.
 */

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway, type TestGateway } from '../fixtures/gateway.ts';
import { cut, dialogue, type Line, places, wholeTable } from './arbitraries.ts';
import { fuzz } from './fuzz.ts';
import { SPELLINGS } from './meant.ts';

/** What every dialogue of this file talks to. */
function startForDialogues(): Promise<TestGateway> {
  return startGateway({
    modeZ: true,
    symlinks: true,
    limits: {
      lineBytesMax: 512,
      badCommandsMax: 1_000,
      loginAttemptsMax: 100,
      // However many passwords are wrong in a long run, the address stays welcome.
      loginFailuresPerAddressMax: 10_000,
      loginLockoutMs: 100,
      dataConnectTimeoutMs: 150,
      stallTimeoutMs: 2_000,
    },
  });
}

fuzz(
  'every command has one final reply, in order, and nothing breaks',
  async () => {
    const gateway = await startForDialogues();
    return fc.asyncProperty(dialogue, places, (lines, at) => hold(gateway, lines, at));
  },
  { runs: 15, runTimeoutMs: 30_000 },
);

fuzz(
  'the whole table, sent at once, has one final reply a line, in order',
  async () => {
    const gateway = await startForDialogues();
    return fc.asyncProperty(wholeTable, places, (lines, at) => hold(gateway, lines, at));
  },
  { runs: 2, runTimeoutMs: 60_000 },
);

test('every verb of the table takes part, in each of its spellings', () => {
  const dialogues = fc.sample(dialogue, { numRuns: 2_000, seed: 1 });
  const said = new Set(dialogues.flat().map(({ bytes }) => bytes.toString().trimEnd().toUpperCase()));
  const begins = (words: string) => [...said].some((line) => line === words || line.startsWith(`${words} `));
  expect(SPELLINGS.map(({ verb }) => verb).filter((verb) => !begins(verb))).toEqual([]);
  // What stands behind SITE and OPTS takes part too.
  const behind = SPELLINGS.filter(({ verb }) => ['SITE', 'OPTS'].includes(verb));
  const words = behind.flatMap(({ verb, syntaxes }) => syntaxes.map((syntax) => `${verb} ${syntax.split(' ')[0]}`));
  expect(words.length).toBeGreaterThan(10);
  expect(words.filter((two) => !begins(two))).toEqual([]);
});

/** Holds one dialogue and judges it. */
async function hold(gateway: TestGateway, lines: readonly Line[], at: readonly number[]): Promise<void> {
  furnish(gateway.home);
  const client = await RawClient.login(gateway);
  try {
    for (const piece of cut(Buffer.concat(lines.map(({ bytes }) => bytes)), at)) {
      client.write(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await judge(gateway, client, lines);
  } finally {
    client.close();
  }
  // What the gateway itself calls a mistake of its own.
  for (const event of ['command.bug', 'session.failed', 'module.failed', 'upload.abort_failed']) {
    expect(gateway.log.of(event)).toEqual([]);
  }
  gateway.log.entries.length = 0;
}

/** The same home for every dialogue. */
function furnish(home: string): void {
  for (const name of readdirSync(home)) rmSync(join(home, name), { recursive: true, force: true });
  mkdirSync(join(home, 'dir'));
  writeFileSync(join(home, 'a.txt'), 'hello\n');
  writeFileSync(join(home, 'dir', 'b.txt'), 'there\n');
}

/** Reads the replies and crosses out what they answer. */
async function judge(gateway: TestGateway, client: RawClient, lines: readonly Line[]): Promise<void> {
  const waiting = [...lines];
  let marked = false;
  for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
    const reply = await client.reply();
    const said = `${JSON.stringify(first.bytes.toString('latin1'))} was answered with ${JSON.stringify(reply)}`;
    expect(reply, said).not.toBe('');
    const code = reply.slice(0, 3);
    if (code === '227' || code === '229') exchange(gateway, client, reply);
    if (code.startsWith('1')) {
      expect([first.expects.kind, marked], said).toEqual(['transfer', false]);
      marked = true;
      continue;
    }
    const next = waiting[1]?.expects;
    if (marked && next?.kind === 'beside' && code === next.code) {
      waiting.splice(1, 1);
      continue;
    }
    expect(code, said).toMatch(/^[2-5][0-9]{2}$/);
    if (first.expects.kind === 'help')
      expect(reply, said).toMatch(new RegExp(`^214[\\s\\S]*\\b${first.expects.verb}\\b`));
    if (first.expects.kind === 'beside') expect(code, said).toBe(first.expects.code);
    waiting.shift();
    marked = false;
    if (first.expects.kind === 'final' && first.expects.ends && code === '221') break;
  }
  // Nothing is said that nobody has asked for.
  if (waiting.length > 0) await client.end();
  else expect(await client.send('QUIT')).toMatch(/^(221 .*)?$/s);
  expect(await client.reply()).toBe('');
}

/** A client on the port that was named: it sends a little and takes whatever comes. */
function exchange(gateway: TestGateway, client: RawClient, reply: string): void {
  const [, high = 0, low = 0, whole] = /,(\d+),(\d+)\)|\|\|\|(\d+)\|/.exec(reply) ?? [];
  const port = Number(whole ?? Number(high) * 256 + Number(low));
  const socket = connect(port, gateway.host).on('error', () => undefined);
  client
    .secure(socket)
    .on('end', () => socket.end())
    .resume()
    .end('some data\r\n');
}
