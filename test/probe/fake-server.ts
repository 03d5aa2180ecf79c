/** An FTPS server for tests of the probe that does everything right, but for the flaws that it is told to have. */
import { constants, randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions, type Server as TlsServer } from 'node:tls';
import { onTestFinished } from 'vitest';
import { CloseNotifyGuard } from '../../src/transport/close-notify-guard.ts';
import { testCertificates } from '../fixtures/certificates.ts';

/** What such a server does otherwise. */
export interface Flaws {
  readonly implicit?: true;
  /** Replies, by verb or `greeting`, in place of the usual ones. */
  readonly replies?: Readonly<Record<string, string>>;
  /** What becomes of bytes right behind AUTH TLS. */
  readonly injected?: 'executed' | 'answeredInClear' | 'endsConnection';
  readonly loginInClear?: true;
  readonly clearData?: 'served' | 'servedUnasked';
  /** When protection is decided: `passive` is how rules are stepped around, or promises forgotten. */
  readonly protection?: 'ruleAtPassive' | 'takenAtPassive';
  readonly sessions?: 'optional' | 'ofAnybody' | 'never' | 'failing';
  readonly noCloseNotify?: true;
  /** Listings that go on for ever. */
  readonly endless?: true;
  readonly takesCutUploads?: true;
  /** What happens to a file that has been stored. */
  readonly stored?: 'changed' | 'undeletable' | 'refused' | 'unreadable';
  readonly passiveAddress?: string;
  readonly passivePorts?: 'inARow' | 'low';
  readonly takesAddresses?: 'foreign' | 'lowPort';
  readonly http?: 'readOn' | 'echoed';
  /** Options of TLS, in place of the safe ones. */
  readonly tls?: TlsOptions;
  readonly noStaple?: true;
  /** Answers a ClientHello by hand; nothing answers `undefined`. */
  readonly answerHello?: (hello: Buffer) => Buffer | undefined;
  /** Never says anything. */
  readonly silent?: true;
}

/** A running one. */
export interface FakeServer {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Every line that it was sent. */
  readonly lines: string[];
  /** How many passwords it was given. */
  readonly logins: () => number;
  readonly files: Map<string, Buffer>;
}

const USER = 'partner';
const PASSWORD = 'correct horse battery';

/** Starts one on a free port; it ends with the test. */
export async function startFakeServer(flaws: Flaws = {}): Promise<FakeServer> {
  const { cert, key } = await testCertificates();
  const tlsOptions: TlsOptions = {
    cert,
    key,
    minVersion: 'TLSv1.2',
    ciphers: 'TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256',
    honorCipherOrder: true,
    ecdhCurve: 'X25519MLKEM768:X25519:P-256',
    ALPNCallback: ({ protocols }) => (protocols.includes('ftp') ? 'ftp' : undefined),
    SNICallback: (name, done) => (name === 'localhost' ? done(null) : done(new Error('not us'))),
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    ...flaws.tls,
  };
  const everybodys = randomBytes(TICKET_KEY_BYTES);
  const open = new Set<Socket | Server>();
  const fake = { lines: [], files: new Map<string, Buffer>() };
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
    if (flaws.silent === true) return void socket.resume();
    const own = flaws.sessions === 'ofAnybody' ? everybodys : randomBytes(TICKET_KEY_BYTES);
    const data = flaws.sessions === 'never' || flaws.sessions === 'failing' ? randomBytes(TICKET_KEY_BYTES) : own;
    const tls = (ticketKeys: Buffer) => () => tlsServer({ ...tlsOptions, ticketKeys }, flaws);
    new Control(socket, { flaws, controlTls: tls(own), dataTls: tls(data), open, ...fake });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.close();
    for (const one of open) {
      if ('destroy' in one) one.destroy();
      else one.close();
    }
  });
  const logins = () => fake.lines.filter((line: string) => line.startsWith('PASS ')).length;
  return { port: portOf(server), user: USER, password: PASSWORD, logins, ...fake };
}

/** Node's ticket keys: 16 bytes of name, 16 of HMAC key, 16 of AES key. */
const TICKET_KEY_BYTES = 48;

function tlsServer(options: TlsOptions, flaws: Flaws): TlsServer {
  const server = createTlsServer(options);
  type Answered = (error: null, answer: Buffer) => void;
  const staple = (_certificate: Buffer, _issuer: Buffer, answered: Answered) => answered(null, Buffer.from('good'));
  if (flaws.noStaple !== true) server.on('OCSPRequest', staple);
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

interface Surroundings {
  readonly flaws: Flaws;
  /** TLS for one handshake each. */
  readonly controlTls: () => TlsServer;
  readonly dataTls: () => TlsServer;
  /** What is to be closed in the end. */
  readonly open: Set<Socket | Server>;
  readonly lines: string[];
  readonly files: Map<string, Buffer>;
}

/** A data connection, ready to be used. */
interface Data {
  readonly stream: Duplex;
  readonly guard: CloseNotifyGuard | undefined;
  readonly socket: Socket;
  readonly resumed: boolean;
}

/** One control connection. */
class Control {
  readonly #around: Surroundings;
  #socket: Duplex;
  #secured: boolean;
  #text = '';
  #busy = false;
  #pbsz = false;
  #level: 'C' | 'P' = 'C';
  #member = false;
  #nextPort = 50_000;
  #passive: { readonly server: Server; readonly socket: Promise<Socket>; readonly level: 'C' | 'P' } | undefined;

  constructor(socket: Socket, around: Surroundings) {
    this.#around = around;
    this.#socket = socket;
    this.#secured = around.flaws.implicit === true;
    if (this.#secured) void this.#secure(socket).then(() => this.#greet());
    else {
      this.#greet();
      this.#listen(socket);
    }
  }

  #greet(): void {
    this.#say(this.#around.flaws.replies?.greeting ?? '220 Ready.');
  }

  #say(reply: string): void {
    if (this.#socket.writable) this.#socket.write(`${reply}\r\n`);
  }

  #listen(socket: Duplex): void {
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString();
      void this.#work();
    });
  }

  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    for (;;) {
      const end = this.#text.indexOf('\n');
      if (end < 0) break;
      const line = this.#text.slice(0, end).trim();
      this.#text = this.#text.slice(end + 1);
      this.#around.lines.push(line);
      await this.#handle(line);
    }
    this.#busy = false;
  }

  async #handle(line: string): Promise<void> {
    const { flaws } = this.#around;
    const [verb = '', ...rest] = line.split(' ');
    const argument = rest.join(' ');
    const said = flaws.replies?.[verb];
    if (said !== undefined) return this.#say(said);
    switch (verb) {
      case 'AUTH':
        return await this.#auth();
      case 'SYST':
        return this.#say('215 UNIX Type: L8');
      case 'HELP':
      case 'NOOP':
      case 'TYPE':
        return this.#say('200 Fine.');
      case 'FEAT':
        return this.#say('211-Features:\r\n PBSZ\r\n PROT\r\n EPSV\r\n MLST type*;\r\n SIZE\r\n UTF8\r\n211 End');
      case 'QUIT':
        this.#say('221 Bye.');
        return void this.#socket.end();
      case 'USER':
        return this.#say(this.#secured || flaws.loginInClear === true ? '331 Password.' : '530 AUTH TLS first.');
      case 'PASS':
        this.#member = argument === PASSWORD;
        return this.#say(this.#member ? '230 Welcome.' : '530 No.');
      case 'PBSZ':
        this.#pbsz = this.#secured;
        return this.#say(this.#secured ? '200 PBSZ=0' : '503 AUTH TLS first.');
      case 'PROT':
        return this.#prot(argument);
      default:
        return this.#member ? await this.#serve(verb, argument) : this.#unknown(line);
    }
  }

  #unknown(line: string): void {
    const { http } = this.#around.flaws;
    this.#say(http === 'echoed' ? `500 ${line} is not understood.` : '500 Unknown.');
    if (http === undefined) this.#socket.end();
  }

  async #auth(): Promise<void> {
    const { flaws } = this.#around;
    const behind = this.#text;
    if (behind !== '' && flaws.injected === 'endsConnection') return void this.#socket.destroy();
    this.#text = flaws.injected === 'executed' ? behind : '';
    this.#say('234 Go ahead.');
    if (behind !== '' && flaws.injected === 'answeredInClear') this.#say('215 UNIX Type: L8');
    const socket = this.#socket;
    if (flaws.answerHello !== undefined && 'removeAllListeners' in socket) {
      socket.removeAllListeners('data').on('data', (hello: Buffer) => {
        const answer = flaws.answerHello?.(hello);
        if (answer === undefined) socket.destroy();
        else socket.write(answer);
      });
      return;
    }
    await this.#secure(socket);
  }

  async #secure(socket: Duplex): Promise<void> {
    socket.removeAllListeners('data');
    const secured = await handshake(this.#around.controlTls(), socket);
    if (secured === undefined) return void socket.destroy();
    this.#secured = true;
    this.#socket = secured;
    this.#listen(secured);
  }

  #prot(level: string): void {
    const { clearData, protection } = this.#around.flaws;
    const clear = clearData === 'served' || protection === 'ruleAtPassive';
    if (this.#pbsz && (level === 'P' || (level === 'C' && clear))) {
      this.#level = level;
      this.#say(`200 ${level}.`);
    } else this.#say(this.#pbsz ? '534 PROT P only.' : '503 PBSZ first.');
  }

  #mayTransfer(): boolean {
    const { clearData } = this.#around.flaws;
    return this.#level === 'P' || clearData !== undefined;
  }

  async #serve(verb: string, argument: string): Promise<void> {
    const { flaws, files } = this.#around;
    switch (verb) {
      case 'CWD':
        return this.#say('250 There.');
      case 'EPSV':
        return await this.#openPassive();
      case 'PASV':
        return this.#say(`227 (${flaws.passiveAddress ?? '127,0,0,1'},${this.#fakePort()})`);
      case 'PORT':
        return this.#say(flaws.takesAddresses === 'foreign' ? '200 Yes.' : '500 No.');
      case 'EPRT':
        return this.#say(flaws.takesAddresses === 'lowPort' && argument.includes('127.0.0.1') ? '200 Yes.' : '500 No.');
      case 'DELE':
        if (flaws.stored === 'undeletable') return this.#say('550 No.');
        return this.#say(files.delete(argument) ? '250 Gone.' : '550 No such file.');
      case 'SIZE':
        return this.#say(files.has(argument) ? `213 ${files.get(argument)?.length}` : '550 No such file.');
      case 'LIST':
        return await this.#transfer((data) => this.#send(data, Buffer.from('-rw-r--r-- 1 a a 1 Jan 1 00:00 a\r\n')));
      case 'RETR':
        if (flaws.stored === 'unreadable') return this.#say('550 No.');
        return await this.#transfer((data) => this.#send(data, files.get(argument) ?? Buffer.alloc(0)));
      case 'STOR':
        if (flaws.stored === 'refused') return this.#say('550 No.');
        return await this.#transfer((data) => this.#receive(data, argument));
      default:
        return this.#say('502 No.');
    }
  }

  #fakePort(): string {
    const { passivePorts } = this.#around.flaws;
    const port =
      passivePorts === 'inARow' ? this.#nextPort++ : passivePorts === 'low' ? 512 : randomInt(20_000, 60_000);
    return `${port >> 8},${port & 255}`;
  }

  async #openPassive(): Promise<void> {
    const { flaws } = this.#around;
    if (!this.#mayTransfer() && flaws.protection === 'ruleAtPassive') return this.#say('521 PROT P first.');
    this.#passive?.server.close();
    const server = createServer({ pauseOnConnect: true });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    this.#around.open.add(server);
    this.#passive = { server, socket: connected(server, this.#around.open), level: this.#level };
    const port = flaws.passivePorts === 'inARow' ? this.#nextPort++ : portOf(server);
    this.#say(`229 (|||${port}|)`);
    if (flaws.passivePorts === 'inARow') server.close();
  }

  async #transfer(move: (data: Data) => Promise<boolean>): Promise<void> {
    const { flaws, dataTls } = this.#around;
    const passive = this.#passive;
    this.#passive = undefined;
    if (passive === undefined) return this.#say('425 EPSV first.');
    if (!this.#mayTransfer() && flaws.protection !== 'ruleAtPassive' && flaws.protection !== 'takenAtPassive') {
      passive.server.close();
      return this.#say('521 PROT P first.');
    }
    const socket = await passive.socket;
    passive.server.close();
    this.#say('150 Here it comes.');
    const level = flaws.protection === 'takenAtPassive' ? passive.level : this.#level;
    const data = await secureData(socket, level, dataTls());
    const needed = flaws.sessions === undefined || flaws.sessions === 'ofAnybody' || flaws.sessions === 'failing';
    if (data === undefined || (level === 'P' && needed && !data.resumed)) {
      socket.destroy();
      return this.#say('522 Session reuse required.');
    }
    this.#say((await move(data)) ? '226 Done.' : '426 Cut off.');
  }

  async #send({ stream, guard, socket }: Data, bytes: Buffer): Promise<boolean> {
    if (this.#around.flaws.endless === true) {
      stream.on('error', () => undefined).write(bytes);
      stream.resume();
      await new Promise((resolve) => socket.once('close', resolve));
      return false;
    }
    if (guard === undefined || this.#around.flaws.noCloseNotify !== true) {
      stream.end(bytes);
      await once(stream, 'finish');
    } else {
      await new Promise<void>((resolve) => stream.write(bytes, () => resolve()));
      socket.end();
    }
    stream.resume();
    return true;
  }

  async #receive({ stream, guard }: Data, name: string): Promise<boolean> {
    const { flaws, files } = this.#around;
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    const ended = once(stream, 'end').then(() => true);
    const cut = guard === undefined ? ended : Promise.race([ended, endSeen(guard).then(() => false)]);
    const whole = await cut;
    stream.end();
    if (!whole && flaws.takesCutUploads !== true) return false;
    const bytes = Buffer.concat(chunks);
    files.set(name, flaws.stored === 'changed' ? bytes.subarray(1) : bytes);
    return true;
  }
}

/** Waits for a FIN, and a little longer for TLS to have told of a close_notify before it. */
async function endSeen(guard: CloseNotifyGuard): Promise<void> {
  while (!guard.endSeen) await new Promise((resolve) => setTimeout(resolve, 10));
  await new Promise((resolve) => setTimeout(resolve, 150));
}

/** The next connection. */
function connected(server: Server, open: Set<Socket | Server>): Promise<Socket> {
  return new Promise((resolve) => {
    server.once('connection', (socket) => {
      open.add(socket);
      resolve(socket.on('error', () => undefined));
    });
  });
}

async function secureData(socket: Socket, level: 'C' | 'P', tls: TlsServer): Promise<Data | undefined> {
  if (level === 'C') return { stream: socket, guard: undefined, socket, resumed: false };
  const guard = new CloseNotifyGuard(socket, () => undefined, 65_536);
  guard.release();
  const stream = await handshake(tls, guard);
  return stream === undefined ? undefined : { stream, guard, socket, resumed: stream.isSessionReused() };
}

/** Puts TLS on a connection; undefined when the handshake fails. */
function handshake(tls: TlsServer, socket: Duplex): Promise<TLSSocket | undefined> {
  return new Promise((resolve) => {
    tls.once('secureConnection', (secured) => resolve(secured.on('error', () => undefined)));
    tls.once('tlsClientError', () => resolve(undefined));
    socket.once('close', () => resolve(undefined));
    tls.emit('connection', socket);
  });
}
