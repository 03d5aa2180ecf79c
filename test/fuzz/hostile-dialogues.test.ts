/**
 * Whole dialogues by chance: lines good and bad, split anywhere, with data connections that come, stay away, lie or break.
 * Behind every line stands a HELP whose reply names it, so that a reply too many, too few or out of order is seen.
 */
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo, Server, Socket } from 'node:net';
import { connect as connectTcp, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect } from 'vitest';
import { hashPassword } from '../../src/auth/password-hash.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Secret } from '../../src/lib/secret.ts';
import { createGateway } from '../../src/server/gateway.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import type { TestGateway } from '../fixtures/gateway.ts';
import { PASSWORD, RecordingLog } from '../fixtures/gateway.ts';
import { fuzz } from './fuzz.ts';
import { argumentOf, SPELLINGS } from './meant.ts';

/** Lines that mean something; `<port>` becomes a port on which the client listens, `<long>` a line that is too long. */
const MEANT = [
  ...['PASV', 'EPSV', 'EPSV 1', 'EPSV 2', 'EPSV ALL', 'EPRT |1|127.0.0.1|<port>|', 'EPRT |1|127.0.0.1|1025|'],
  ...['STOR a.txt', 'APPE a.txt', 'STOU', 'RETR big.bin', 'RETR none', 'LIST', 'NLST', 'MLSD', 'REST 3', 'ABOR'],
  ...['NOOP', 'STAT', 'STAT .', 'FEAT', 'PWD', 'CWD ..', 'TYPE A', 'TYPE I', 'PROT C', 'PROT P', 'PBSZ 0', 'REIN'],
  ...['USER partner', `PASS ${PASSWORD}`, 'SIZE a.txt', 'MLST', 'DELE a.txt', 'RNFR a.txt', 'RNTO b.txt', 'WHAT'],
] as const;

/**
 * Any verb of the table with what HELP shows behind it. AUTH in the middle of a pipeline and QUIT end the dialogue: both
 * have tests of their own.
 */
const fromHelp = fc.oneof(
  ...SPELLINGS.filter(({ verb }) => !['AUTH', 'QUIT'].includes(verb)).flatMap(({ verb, syntaxes }) =>
    syntaxes.map((syntax) => argumentOf(syntax).map((argument) => `${verb} ${argument}`.trimEnd())),
  ),
);

/** A line beyond every bound. */
const LONG = 'x'.repeat(9_000);

/** What the client does with a data connection when it could have one. */
const MANNERS = ['stay away', 'hold', 'reset', 'end', 'garbage', 'tls', 'tls and reset', 'clear'] as const;
type Manner = (typeof MANNERS)[number];

interface Dialogue {
  readonly lines: readonly (string | Uint8Array)[];
  readonly manners: readonly Manner[];
  /** Sizes of the pieces in which the bytes are written, over and over. */
  readonly pieces: readonly number[];
  readonly control: 'clear' | 'tls';
  readonly leaves: 'QUIT' | 'unsaid' | 'early';
}

// A 255 begins a Telnet command, which may swallow the end of the line; CR, LF and the verbs of HTTP end more than a line.
const junk = fc
  .uint8Array({ maxLength: 40 })
  .map((bytes) => bytes.map((byte) => (byte === 10 || byte === 58 || byte === 255 ? 63 : byte)));

const line = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom<string>(...MEANT) },
  { weight: 8, arbitrary: fromHelp },
  // An arrangement and a transfer that belong together, or little else than refusals would be seen.
  { weight: 8, arbitrary: fc.constantFrom('EPSV\r\nSTOR a.txt', 'EPSV\r\nRETR big.bin', 'PASV\r\nMLSD') },
  { weight: 2, arbitrary: junk },
  { weight: 1, arbitrary: fc.constant('<long>') },
);

const dialogue: fc.Arbitrary<Dialogue> = fc.record({
  lines: fc.array(line, { minLength: 1, maxLength: 14 }),
  manners: fc.array(fc.constantFrom(...MANNERS), { minLength: 1, maxLength: 5 }),
  pieces: fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 5 }),
  control: fc.constantFrom('clear', 'tls'),
  leaves: fc.constantFrom('QUIT', 'QUIT', 'unsaid', 'early'),
});

/** The machine's clock, with the timers that are pending counted. */
class CountingClock implements Clock {
  pending = 0;
  now = () => systemClock.now();
  monotonicMs = () => systemClock.monotonicMs();
  after(delayMs: number, act: () => void) {
    let over = false;
    const settle = () => {
      if (!over) this.pending -= 1;
      over = true;
    };
    this.pending += 1;
    const timer = systemClock.after(delayMs, () => {
      settle();
      act();
    });
    const cancel = () => {
      settle();
      timer.cancel();
    };
    return { cancel };
  }
}

const trouble: unknown[] = [];
const note = (what: unknown) => trouble.push(what);
beforeEach(() => {
  trouble.length = 0;
  process.on('unhandledRejection', note).on('uncaughtExceptionMonitor', note).on('warning', note);
});
afterEach(() => {
  process.off('unhandledRejection', note).off('uncaughtExceptionMonitor', note).off('warning', note);
});

/** What is looked at when all dialogues are over. */
const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
}, 20_000);

fuzz(
  'every random dialogue gets one final reply for each line, in order, and leaves nothing behind',
  async () => {
    const clock = new CountingClock();
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-fuzz-'));
    const socketsBefore = tcpResources();
    const gateway = await started(folder, clock);
    endings.push(async () => {
      try {
        await gateway.gateway.close();
        expect(gateway.gateway.sessionCount).toBe(0);
        await expect.poll(() => clock.pending, { timeout: 3_000 }).toBe(0);
        await expect.poll(tcpResources, { timeout: 3_000 }).toBe(socketsBefore);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
    return fc.asyncProperty(fc.array(dialogue, { minLength: 10, maxLength: 10 }), async (dialogues) => {
      gateway.log.entries.length = 0;
      await Promise.all(dialogues.map((one) => converse(gateway, one)));
      expect(trouble).toEqual([]);
      expect(gateway.log.entries.filter(({ event }) => BUGS.has(event))).toEqual([]);
      expect(JSON.stringify(gateway.log.entries)).not.toContain(PASSWORD);
    });
  },
  { runs: 8, runTimeoutMs: 30_000 },
);

/** Log entries that only a mistake of ours makes. */
const BUGS: ReadonlySet<string> = new Set(['command.bug', 'session.failed', 'module.failed']);

/** TCP sockets and listeners of this process, clients and server together. */
function tcpResources(): number {
  return process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length;
}

async function started(folder: string, clock: Clock): Promise<TestGateway> {
  const certificates = await testCertificates();
  const log = new RecordingLog();
  const home = join(folder, 'home');
  await mkdir(home);
  const gateway = createGateway(
    {
      listen: [{ host: '127.0.0.1', port: 0 }],
      tls: { certificate: certificates.cert, key: certificates.key },
      passive: { portMin: 0, portMax: 0 },
      tlsControlRequired: false,
      tlsDataRequired: false,
      sessionReuse: 'preferred',
      closeNotify: 'preferred',
      storage: { sync: false },
      limits: {
        dataConnectTimeoutMs: 100,
        stallTimeoutMs: 200,
        handshakeTimeoutMs: 1_000,
        loginFailuresPerAddressMax: 10_000,
        loginAttemptsMax: 100,
      },
      users: [
        { name: 'partner', passwordHash: await hashPassword(new Secret(PASSWORD)), home, permissions: 'elradfmwMT' },
      ],
    },
    { log, clock },
  );
  await gateway.start();
  const port = gateway.addresses[0]?.port ?? 0;
  const running = { gateway, host: '127.0.0.1', port, home, user: 'partner', password: PASSWORD, certificates, log };
  const client = await RawClient.login(running);
  expect(await client.upload('STOR big.bin', Buffer.alloc(300_000))).toMatch(/^226/);
  client.close();
  return running;
}

/** Verbs for HELP, each reply of which names its verb. */
const MARKERS = ['USER', 'PASS', 'ACCT', 'QUIT', 'PASV', 'PORT', 'TYPE', 'MODE', 'STRU', 'ALLO', 'RETR', 'STOR'];

async function converse(gateway: TestGateway, { lines, manners, pieces, control, leaves }: Dialogue): Promise<void> {
  const client = control === 'tls' ? await RawClient.login(gateway) : await loginInClear(gateway);
  const plan = [...manners];
  const sockets: Socket[] = [];
  const behave = (socket: Socket) => misbehave(client, keep(socket, sockets), plan.shift() ?? 'stay away');
  const listener = createServer(behave).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  try {
    const said = lines.flatMap((text): readonly (string | Uint8Array)[] =>
      typeof text === 'string' ? text.split('\r\n') : [text],
    );
    const marked = said.map((text, index) => ({ text, marker: MARKERS[index % MARKERS.length] ?? '' }));
    const bytes = marked.map(({ text, marker }) => wire(text, marker, listener));
    const early = leaves === 'early' ? Math.floor(said.length / 2) : undefined;
    void writeInPieces(client, Buffer.concat(bytes), pieces);

    for (const [index, { marker }] of marked.entries()) {
      if (index === early) return client.close();
      const own = await finalReply(client, (port) => behave(connectTcp(port, '127.0.0.1')));
      if (own === '' || own.startsWith('421')) return await expectEnd(client, own);
      const behind = await finalReply(client, () => undefined);
      if (behind.startsWith('421')) return await expectEnd(client, behind);
      expect(behind).toContain(`Syntax: ${marker}`);
    }
    if (leaves === 'unsaid') return client.close();
    expect(await client.send('QUIT')).toMatch(/^221/);
    await client.end();
  } finally {
    client.close();
    listener.close();
    for (const socket of sockets) socket.destroy();
  }
}

/** The next reply that is not preliminary; `arranged` hears of passive ports. */
async function finalReply(client: RawClient, arranged: (port: number) => void): Promise<string> {
  for (;;) {
    const reply = await client.reply();
    if (/^1/.test(reply)) continue;
    const [, high = '', low = ''] = /^227 .*,(\d+),(\d+)\)/.exec(reply) ?? [];
    const port = high === '' ? Number(/\|\|\|(\d+)\|/.exec(reply)?.[1] ?? 0) : Number(high) * 256 + Number(low);
    if (port > 0) arranged(port);
    return reply;
  }
}

/** A connection may end before its time only with a word: 421. */
async function expectEnd(client: RawClient, last: string): Promise<void> {
  expect(last).toMatch(/^421/);
  await client.end();
}

async function loginInClear(gateway: TestGateway): Promise<RawClient> {
  const client = await RawClient.connect(gateway);
  await client.send(`USER ${gateway.user}`);
  expect(await client.send(`PASS ${gateway.password}`)).toMatch(/^230/);
  return client;
}

/** A line and its marker as they go over the wire. */
function wire(text: string | Uint8Array, marker: string, listener: Server): Buffer {
  const { port } = listener.address() as AddressInfo;
  const bytes =
    typeof text === 'string'
      ? Buffer.from(text.replace('<port>', `${port}`).replace('<long>', LONG))
      : Buffer.from(text);
  return Buffer.concat([bytes, Buffer.from(`\r\nHELP ${marker}\r\n`)]);
}

async function writeInPieces(client: RawClient, bytes: Buffer, sizes: readonly number[]): Promise<void> {
  for (let offset = 0, turn = 0; offset < bytes.length && !client.closed; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    client.write(bytes.subarray(offset, offset + size));
    offset += size;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function keep(socket: Socket, sockets: Socket[]): Socket {
  sockets.push(socket);
  return socket.on('error', () => undefined);
}

function misbehave(client: RawClient, socket: Socket, manner: Manner): void {
  switch (manner) {
    case 'stay away':
      socket.destroy();
      return;
    case 'hold':
      return;
    case 'reset':
      socket.once('connect', () => socket.resetAndDestroy());
      if (!socket.connecting) socket.resetAndDestroy();
      return;
    case 'end':
      socket.end();
      return;
    case 'garbage':
      socket.resume().end(Buffer.alloc(3_000, 'garbage'));
      return;
    case 'clear':
      socket.resume().end('data in clear');
      return;
    case 'tls':
      client.secure(socket).resume().end('data');
      return;
    case 'tls and reset':
      client.secure(socket).write('data', () => socket.resetAndDestroy());
      return;
  }
}
