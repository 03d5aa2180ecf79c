import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/commands/all.ts';
import { afterCommand } from '../../src/engine/apply-change.ts';
import { DEFAULT_LIMITS } from '../../src/protocol/limits.ts';
import { Fault } from '../../src/spi/fault.ts';
import { MemoryFiles } from '../fakes/memory-files.ts';
import { type Scene, say } from '../fakes/say.ts';
import { contextWith } from '../fixtures/command-context.ts';

const TEXT = 'forty bytes of text, on one line, or so.';
const hex = (name: string, text: string) => createHash(name).update(text).digest('hex');

function scene(parts: Scene = {}): Scene {
  const files = new MemoryFiles().put('/a.txt', TEXT).put('/b "c" 1 2', TEXT).put('/empty', '').put('/dir/x', '');
  return { files, ...parts };
}

function denied(): Scene {
  const files = new MemoryFiles();
  files.failures.plan('openRead', 1, new Fault('PermissionDenied'));
  return { files };
}

const REFUSALS: readonly (readonly [line: string, parts: Scene, reply: string])[] = [
  ['HASH', scene(), '501'],
  ['HASH missing', scene(), '550 No such file or directory.'],
  ['HASH dir', scene(), '553 Only regular files have a hash.'],
  ['HASH a.txt', denied(), '552 Permission denied.'],
  ['HASH a.txt', scene({ context: { limits: { ...DEFAULT_LIMITS, hashBytesMax: 39 } } }), '556'],
  ['HASH a.txt', scene({ session: { range: { startBytes: 40, endBytes: 50 } } }), '554 The file has 40 bytes only.'],
  ['HASH empty', scene({ session: { range: { startBytes: 0, endBytes: 0 } } }), '554'],
  ['OPTS HASH CRC-37', {}, '501 Unknown algorithm, current selection not changed.'],
  ['OPTS HASH SHA-256 now', {}, '501'],
  ['XSHA256', scene(), '501'],
  ['XMD5 missing', scene(), '550'],
  ['XMD5 dir', scene(), '550 Not a regular file.'],
  ['XCRC a.txt', denied(), '550 Permission denied.'],
  ['XCRC a.txt', scene({ context: { limits: { ...DEFAULT_LIMITS, hashBytesMax: 39 } } }), '556'],
  ['XCRC a.txt 0 41', scene(), '501 The file has 40 bytes only.'],
  ['XCRC a.txt 5 5', scene(), '501 The end must lie behind the start.'],
  ['XCRC "a.txt" 5', scene(), '501'],
  ['XCRC "a.txt" x y', scene(), '501'],
  ['XCRC a.txt 0 9007199254740993', scene(), '501'],
  // Without quotes a single number belongs to the name.
  ['XCRC a.txt 5', scene(), '550 No such file or directory.'],
  ['XCRC b "c" 1 2', scene(), '550 No such file or directory.'],
];

test.each(REFUSALS)('%s is refused (%#)', async (line, parts, reply) => {
  const answer = await say(line, parts);
  expect(answer.text).toContain(reply);
  expect(answer.change).toBeUndefined();
  expect(parts.files?.openFiles ?? 0).toBe(0);
});

test.each([
  ['RANG'],
  ['RANG 1'],
  ['RANG a b'],
  ['RANG 0 -1'],
  ['RANG 0  1'],
  ['RANG 0 1 2'],
  ['RANG 0 9007199254740993'],
])('%s is no range', async (line) => {
  const answer = await say(line);
  expect(answer.code).toBe(501);
  expect(answer.change).toBeUndefined();
});

test('a range that ends before it begins is refused and undoes the one before', async () => {
  const answer = await say('RANG 5 4');
  expect(answer.code).toBe(501);
  expect(answer.change).toEqual({ kind: 'SetRange', range: undefined });
});

test('hashing ends with 426 when the client is gone', async () => {
  const abort = new AbortController();
  abort.abort(new Fault('Aborted'));
  for (const line of ['HASH a.txt', 'XSHA512 a.txt']) {
    const parts = scene({ context: { signal: abort.signal } });
    expect((await say(line, parts)).code).toBe(426);
    expect(parts.files?.openFiles).toBe(0);
  }
});

test.each([
  ['RANG 0 0', { startBytes: 0, endBytes: 0 }],
  ['RANG 10 49', { startBytes: 10, endBytes: 49 }],
  ['RANG 1 0', undefined],
] as const)('%s is answered 350', async (line, range) => {
  const answer = await say(line);
  expect(answer.code).toBe(350);
  expect(answer.change).toEqual({ kind: 'SetRange', range });
});

test.each([
  ['HASH a.txt', {}, `213 SHA-256 0-39 ${hex('sha256', TEXT)} a.txt`],
  ['HASH /a.txt', { hashAlgorithm: 'SHA-512' }, `213 SHA-512 0-39 ${hex('sha512', TEXT)} /a.txt`],
  ['HASH a.txt', { hashAlgorithm: 'SHA-1' }, `213 SHA-1 0-39 ${hex('sha1', TEXT)} a.txt`],
  ['HASH a.txt', { hashAlgorithm: 'MD5', type: 'A' }, `213 MD5 0-39 ${hex('md5', TEXT)} a.txt`],
  ['HASH empty', { hashAlgorithm: 'CRC32' }, '213 CRC32 0-0 00000000 empty'],
  ['HASH a.txt', { range: { startBytes: 6, endBytes: 10 } }, `213 SHA-256 6-10 ${hex('sha256', 'bytes')} a.txt`],
  // What lies behind the end of the file is not there to be hashed, and the answer says so.
  ['HASH a.txt', { range: { startBytes: 37, endBytes: 99 } }, `213 SHA-256 37-39 ${hex('sha256', 'so.')} a.txt`],
] as const)('%s with %j is answered', async (line, session, reply) => {
  const parts = scene({ session });
  const answer = await say(line, parts);
  expect(answer.text).toBe(reply);
  expect(answer.notes).toMatchObject({ algorithm: reply.split(' ')[1], hash: reply.split(' ')[3] });
  expect(parts.files?.openFiles).toBe(0);
});

test.each([
  ['XSHA256 a.txt', hex('sha256', TEXT)],
  ['XSHA512 "a.txt"', hex('sha512', TEXT)],
  ['XSHA1 a.txt', hex('sha1', TEXT)],
  ['XSHA a.txt', hex('sha1', TEXT)],
  ['XMD5 "/b ""c"" 1 2"', hex('md5', TEXT)],
  ['XMD5 empty', hex('md5', '')],
  ['XMD5 a.txt 6 11', hex('md5', 'bytes')],
  ['XMD5 "a.txt" 0 40', hex('md5', TEXT)],
  // The range of RANG is for HASH: these have their own.
  ['XCRC empty', '00000000'],
])('%s is answered with 250 and the hash in capitals', async (line, hash) => {
  const parts = scene({ session: { range: { startBytes: 1, endBytes: 2 } } });
  expect((await say(line, parts)).text).toBe(`250 ${hash.toUpperCase()}`);
  expect(parts.files?.openFiles).toBe(0);
});

test('OPTS HASH tells the algorithm and chooses another, in any case', async () => {
  expect((await say('OPTS HASH')).text).toBe('200 SHA-256');
  const answer = await say('OPTS HASH sha-512');
  expect(answer.text).toBe('200 SHA-512');
  expect(answer.change).toEqual({ kind: 'SetHashAlgorithm', algorithm: 'SHA-512' });
});

test('FEAT marks the algorithm that is chosen', async () => {
  const { text } = await say('FEAT', { session: { hashAlgorithm: 'SHA-1' } });
  expect(text).toContain('\r\n HASH SHA-256;SHA-512;SHA-1*;MD5;CRC32\r\n');
  for (const line of ['RANG STREAM', 'XSHA256', 'XSHA512', 'XSHA1', 'XSHA', 'XMD5', 'XCRC']) {
    expect(text).toContain(`\r\n ${line}\r\n`);
  }
});

test('the later of RANG and REST holds, and HASH uses up a range but no restart', () => {
  const { session } = contextWith({});
  const traits = (verb: string) => {
    const found = COMMANDS.find((command) => command.verb === verb);
    if (found === undefined) throw new Error(verb);
    return found;
  };
  const range = { startBytes: 1, endBytes: 2 };
  const ranged = afterCommand(session, traits('RANG'), { kind: 'SetRange', range });
  expect(ranged).toMatchObject({ range, restartBytes: 0 });
  const restarted = afterCommand(ranged, traits('REST'), { kind: 'SetRestart', offsetBytes: 5 });
  expect(restarted).toMatchObject({ range: undefined, restartBytes: 5 });
  const again = afterCommand(restarted, traits('RANG'), { kind: 'SetRange', range });
  expect(again).toMatchObject({ range, restartBytes: 0 });
  expect(afterCommand(again, traits('NOOP'), undefined)).toMatchObject({ range });
  for (const verb of ['HASH', 'RETR', 'STOR']) {
    expect(afterCommand(again, traits(verb), undefined).range).toBeUndefined();
  }
  expect(afterCommand(restarted, traits('HASH'), undefined).restartBytes).toBe(5);
});
