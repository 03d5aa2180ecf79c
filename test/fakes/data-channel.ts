/** A data channel without a socket: what a client sends is given, what it receives is kept. */
import type { DataEnd } from '../../src/spi/data-end.ts';
import type { DataConnection, DataPort, Direction } from '../../src/spi/data-port.ts';
import { Fault } from '../../src/spi/fault.ts';
import type { Endpoint } from '../../src/spi/session.ts';
import type { TlsFacts } from '../../src/spi/tls-facts.ts';
import { Failures } from './failures.ts';

/** What a protected connection of these tests has negotiated. */
export const TLS: TlsFacts = { version: 'TLSv1.3', suite: 'TLS_AES_256_GCM_SHA384', resumed: true };

/** A data connection. `failures` knows the operations `read`, `write` and `finish`. */
export class FakeDataConnection implements DataConnection {
  readonly failures = new Failures();
  readonly sent: Buffer[] = [];
  tls: TlsFacts | undefined = TLS;
  /** How the client will end its data. */
  ending: DataEnd = 'authenticated';
  state: 'open' | 'finished' | 'destroyed' = 'open';
  bytesMoved = 0;
  end: DataEnd = 'unauthenticated';
  signal: AbortSignal | undefined;
  readonly #pieces: Buffer[][];

  /** @param pieces what each `read` gives, before the end of data. */
  constructor(pieces: readonly (string | Buffer)[] = []) {
    this.#pieces = pieces.map((piece) => [Buffer.from(piece)]);
  }

  get received(): string {
    return Buffer.concat(this.sent).toString();
  }

  async read(): Promise<readonly Buffer[] | undefined> {
    this.#meet('read');
    const batch = this.#pieces.shift();
    if (batch === undefined) this.end = this.ending;
    for (const { length } of batch ?? []) this.bytesMoved += length;
    return batch;
  }

  async write(buffer: Buffer): Promise<void> {
    this.#meet('write');
    this.bytesMoved += buffer.length;
    this.sent.push(Buffer.from(buffer));
  }

  async finish(): Promise<void> {
    this.#meet('finish');
    this.state = 'finished';
  }

  refuse(): void {
    this.destroy();
  }

  destroy(): void {
    if (this.state === 'open') this.state = 'destroyed';
  }

  #meet(operation: string): void {
    this.signal?.throwIfAborted();
    this.failures.met(operation);
  }
}

/** A data port that gives out one connection. `failures` knows the operations `listen` and `open`. */
export class FakeDataPort implements DataPort {
  readonly failures = new Failures();
  readonly calls: string[] = [];
  arranged = true;
  /** The endpoint that the client is told. */
  endpoint: Endpoint = { address: '192.0.2.2', port: 50_001 };
  readonly connection: FakeDataConnection;

  constructor(connection = new FakeDataConnection()) {
    this.connection = connection;
  }

  async listen(): Promise<Endpoint> {
    this.calls.push('listen');
    this.failures.met('listen');
    return this.endpoint;
  }

  target({ address, port }: Endpoint): void {
    this.calls.push(`target ${address} ${port}`);
  }

  async open(direction: Direction, signal: AbortSignal): Promise<DataConnection> {
    this.calls.push(`open ${direction}`);
    this.failures.met('open');
    if (!this.arranged) throw new Fault('NoDataConnection');
    this.connection.signal = signal;
    return this.connection;
  }

  close(): void {
    this.calls.push('close');
  }
}
