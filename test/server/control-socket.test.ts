/** The control socket: whose it is, what it does with bytes that are no request, and who gets the state directory. */
import { createPublicKey } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { newestCheckpoint } from '../../src/audit/verifying/read-log.ts';
import { verifyLog } from '../../src/audit/verifying/verify-log.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { REQUEST_BYTES_MAX } from '../../src/server/control-protocol.ts';
import { ActRefused, ControlSocket } from '../../src/server/control-socket.ts';
import { RecordingLog, startGateway } from '../fixtures/gateway.ts';
import { cosigned, WITNESS_VKEY } from '../fixtures/witness.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function stateDirectory(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-control-'));
  folders.push(folder);
  return join(folder, 'state');
}

/** A socket whose acts are kept. */
function socketIn(stateDirectory: string, perform: (act: string) => unknown = () => ({})) {
  const log = new RecordingLog();
  const acts: string[] = [];
  const parts = { stateDirectory, clock: systemClock, log };
  const socket = new ControlSocket({
    ...parts,
    async perform({ act }) {
      acts.push(act);
      return perform(act);
    },
  });
  onTestFinished(() => socket.close());
  return { socket, log, acts };
}

/** Sends bytes, and gives all that is answered until the other side ends or has answered so many lines. */
function exchange(stateDirectory: string, bytes: Buffer | string, linesMax = 1): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(join(stateDirectory, 'control.sock'));
    let text = '';
    const settle = () => {
      socket.destroy();
      resolve(
        text
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line)),
      );
    };
    socket.on('data', (piece) => {
      text += piece;
      if (text.split('\n').length > linesMax) settle();
    });
    socket.on('close', settle);
    socket.on('error', (error) => (text === '' ? reject(error) : settle()));
    socket.write(bytes);
  });
}

const STATUS = '{"id":1,"act":"status"}\n';

test('a path that no socket can have is refused, with what to do', async () => {
  const { socket } = socketIn(join(stateDirectory(), 'x'.repeat(100)));
  await expect(socket.claim()).rejects.toThrow(/has 1\d\d bytes.*let state_directory be a shorter path/);
});

test('a state directory that everybody may write to is refused', async () => {
  const state = stateDirectory();
  mkdirSync(state);
  chmodSync(state, 0o777);
  await expect(socketIn(state).socket.claim()).rejects.toThrow('chmod 700 it');
});

test('what lies at the path and is no socket is left alone', async () => {
  const state = stateDirectory();
  mkdirSync(state);
  writeFileSync(join(state, 'control.sock'), 'mine');
  await expect(socketIn(state).socket.claim()).rejects.toThrow('is no socket: move it away');
  expect(statSync(join(state, 'control.sock')).size).toBe(4);
});

test('a second gateway on the same state directory is refused before it touches anything, and the first one goes on', async () => {
  const state = stateDirectory();
  await startGateway({ stateDirectory: state });
  for (const requirement of ['required', 'preferred', 'off'] as const) {
    await expect(startGateway({ stateDirectory: state, audit: { requirement } })).rejects.toThrow(
      `another gateway runs with the state directory ${state}`,
    );
  }
  expect(await exchange(state, STATUS)).toMatchObject([{ id: 1, ok: true, result: { audit: { writable: true } } }]);
});

test('a state directory that cannot be written is no reason of the socket to refuse', async () => {
  const state = stateDirectory();
  writeFileSync(state, 'a file');
  const { socket, log } = socketIn(state);
  await socket.claim();
  expect(log.of('control.unavailable')).toHaveLength(1);
});

test('acts are refused until the gateway listens, and when it ends', async () => {
  const state = stateDirectory();
  const { socket, acts } = socketIn(state);
  await socket.claim();
  const refused = (message: string) => [{ id: 1, ok: false, error: { kind: 'refused', message } }];
  expect(await exchange(state, STATUS)).toEqual(refused('the gateway is starting: try again in a moment'));
  socket.open();
  expect(await exchange(state, STATUS)).toEqual([{ id: 1, ok: true, result: {} }]);
  await socket.rest();
  expect(await exchange(state, STATUS)).toEqual(refused('the gateway is stopping: try again in a moment'));
  expect(acts).toEqual(['status']);
});

test('what an act throws is told in words only when they are for the operator', async () => {
  const state = stateDirectory();
  const errors: Error[] = [new ActRefused('not now'), new Error('a secret')];
  const { socket, log } = socketIn(state, () => {
    throw errors.shift() ?? new Error('no more');
  });
  await socket.claim();
  socket.open();
  const answers = await exchange(state, STATUS + STATUS, 2);
  expect(answers).toMatchObject([
    { ok: false, error: { kind: 'refused', message: 'not now' } },
    { ok: false, error: { kind: 'failed' } },
  ]);
  expect(JSON.stringify(answers)).not.toContain('a secret');
  expect(log.of('control.act_failed')).toHaveLength(1);
});

test.each([
  ['no JSON', 'hello\n', null],
  ['no object', '[1]\n', null],
  ['no act', '{"id":4}\n', 4],
  ['an act that there is not', '{"id":4,"act":"shutdown"}\n', 4],
  ['a member too many', '{"id":4,"act":"status","force":true}\n', 4],
  ['no reason', '{"id":4,"act":"quarantine.destroy","upload":"5d41402abc4b2a76b9719d91","operator":"root"}\n', 4],
  ['a path for an upload', '{"id":4,"act":"quarantine.show","upload":"../../etc/passwd"}\n', 4],
  ['a member of every object', '{"id":4,"act":"__proto__"}\n', 4],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d, 0x0a]), null],
  ['an id that is none', '{"id":-1,"act":"status"}\n', null],
])('%s is no request, does nothing, and the next one is served', async (_, bytes, id) => {
  const state = stateDirectory();
  const { socket, acts } = socketIn(state);
  await socket.claim();
  socket.open();
  const answers = await exchange(state, Buffer.concat([Buffer.from(bytes), Buffer.from(STATUS)]), 2);
  expect(answers).toMatchObject([
    { id, ok: false, error: { kind: 'request' } },
    { id: 1, ok: true },
  ]);
  expect(acts).toEqual(['status']);
});

test('a line without an end is cut off', async () => {
  const state = stateDirectory();
  const { socket } = socketIn(state);
  await socket.claim();
  socket.open();
  const answers = await exchange(state, Buffer.alloc(REQUEST_BYTES_MAX * 4, 'a'), 9);
  expect(answers).toMatchObject([{ id: null, ok: false, error: { kind: 'request' } }]);
});

test('no bytes make it do what was not asked, or end it', { timeout: 60_000 }, async () => {
  const state = stateDirectory();
  const { socket, acts, log } = socketIn(state);
  await socket.claim();
  socket.open();
  const member = fc.constantFrom('id', 'act', 'upload', 'operator', 'reason', 'note', '__proto__', 'constructor');
  const value = fc.oneof(
    fc.constantFrom('quarantine.release', 'status.', 'deliveries.retry', 'audit.cosign', 1, 0.5, null),
    fc.jsonValue(),
  );
  const request = fc.dictionary(member, value).map((object) => Buffer.from(JSON.stringify(object)));
  const noise = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  const lines = fc.array(fc.oneof(request, noise), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(lines, async (pieces) => {
      const bytes = Buffer.concat([...pieces.flatMap((piece) => [piece, Buffer.from('\n')]), Buffer.from(STATUS)]);
      const count = bytes.filter((byte) => byte === 10).length;
      const answers = await exchange(state, bytes, count);
      expect(answers).toHaveLength(count);
      expect(answers.at(-1)).toEqual({ id: 1, ok: true, result: {} });
      expect(answers.slice(0, -1).every((answer) => JSON.stringify(answer).includes('"kind":"request"'))).toBe(true);
    }),
    { numRuns: 150 },
  );
  expect(new Set(acts)).toEqual(new Set(['status']));
  expect(log.of('control.act_failed')).toEqual([]);
});

test('it is for its user and root alone from its first moment, and is gone behind the gateway', async () => {
  const state = stateDirectory();
  const { gateway } = await startGateway({ stateDirectory: state });
  const socket = statSync(join(state, 'control.sock'));
  expect([socket.isSocket(), socket.mode & 0o777, statSync(state).mode & 0o777]).toEqual([true, 0o600, 0o700]);
  // Nothing is left of where it was made.
  expect(readdirSync(state).filter((name) => name.startsWith('.'))).toEqual([]);
  await gateway.close();
  expect(readdirSync(state)).not.toContain('control.sock');
  await gateway.start();
  expect(await exchange(state, STATUS)).toMatchObject([{ ok: true }]);
});

test('a socket that a dead gateway left is replaced', async () => {
  const state = stateDirectory();
  mkdirSync(state, { mode: 0o700 });
  // A listener that is gone without unlinking: the file is moved away before it closes, and back behind it.
  const path = join(state, 'control.sock');
  const dead = createServer();
  await new Promise<void>((done) => dead.listen(path, done));
  renameSync(path, `${path}.kept`);
  await new Promise((done) => dead.close(done));
  renameSync(`${path}.kept`, path);
  const { socket } = socketIn(state);
  await socket.claim();
  socket.open();
  expect(await exchange(state, STATUS)).toMatchObject([{ ok: true }]);
});

test('closing removes no socket but its own', async () => {
  const state = stateDirectory();
  const first = socketIn(state);
  await first.socket.claim();
  rmSync(join(state, 'control.sock'));
  const second = socketIn(state);
  await second.socket.claim();
  second.socket.open();
  await first.socket.close();
  expect(await exchange(state, STATUS)).toMatchObject([{ ok: true }]);
});

test('who sends a request and closes its side is answered; acts that run are waited for', async () => {
  const state = stateDirectory();
  const { promise: acting, resolve: done } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { socket } = socketIn(state, async () => {
    begin();
    await acting;
    return { late: true };
  });
  await socket.claim();
  socket.open();
  const client = createConnection({ path: join(state, 'control.sock'), allowHalfOpen: true });
  client.end(STATUS);
  await begun;
  let rested = false;
  const resting = socket.rest().then(() => {
    rested = true;
  });
  await new Promise((turn) => setImmediate(turn));
  expect(rested).toBe(false);
  done();
  await resting;
  let text = '';
  for await (const piece of client) text += piece;
  expect(JSON.parse(text)).toEqual({ id: 1, ok: true, result: { late: true } });
});

test('many requests on one connection are done in their order, one at a time', async () => {
  const state = stateDirectory();
  let running = 0;
  const { socket } = socketIn(state, async () => {
    expect(++running).toBe(1);
    await new Promise((done) => setImmediate(done));
    running -= 1;
    return {};
  });
  await socket.claim();
  socket.open();
  const requests = Array.from({ length: 50 }, (_, id) => `{"id":${id},"act":"status"}\n`).join('');
  const answers = await exchange(state, requests, 50);
  expect(answers).toEqual(Array.from({ length: 50 }, (_, id) => ({ id, ok: true, result: {} })));
});

test('the log of a running gateway takes what a configured witness signed, and records that', async () => {
  const state = stateDirectory();
  await startGateway({ stateDirectory: state, audit: { witnesses: [WITNESS_VKEY], origin: 'gateway.example/audit' } });
  const log = join(state, 'audit');
  const note = (await newestCheckpoint(log)) ?? '';
  const cosign = (text: string) => {
    const request = { id: 1, act: 'audit.cosign', operator: 'alice', note: text };
    return exchange(state, `${JSON.stringify(request)}\n`);
  };
  for (const text of [note, 'nonsense', cosigned(note.replace('gateway', 'getaway'))]) {
    expect(await cosign(text)).toMatchObject([{ ok: false, error: { kind: 'refused' } }]);
  }
  expect(await cosign(cosigned(note))).toEqual([{ id: 1, ok: true, result: { added: 1 } }]);
  expect(await cosign(cosigned(note))).toEqual([{ id: 1, ok: true, result: { added: 0 } }]);
  const pem = createPublicKey(readFileSync(join(state, 'audit.key'))).export({ format: 'pem', type: 'spki' });
  const verdict = await verifyLog(log, { keys: [String(pem)], witnesses: [WITNESS_VKEY] });
  expect(verdict).toMatchObject({ problem: undefined, cosigned: { cosigners: [{ name: 'witness.example' }] } });
});
