/**
 * One file on its connection to an ICAP server (RFC 3507 sections 4.4 and 4.5). What is sent and what is answered cross each
 * other: a server may send the file back while it still arrives there.
 */
import { createHash } from 'node:crypto';
import { within } from '../../lib/deadline.ts';
import { untilAborted } from '../../lib/until-aborted.ts';
import type { GateItem, GateVerdict } from '../../spi/gate.ts';
import { arrivedBefore } from './gate-keys.ts';
import { ByteReader, IcapBroken, readIcapHead } from './icap-answer.ts';
import type { IcapUri } from './icap-service.ts';
import { type SentFile, verdictOf } from './icap-verdict.ts';
import type { Wire } from './wire.ts';

/** How a file is asked about. */
export interface IcapAsking {
  readonly place: IcapUri;
  readonly method: 'RESPMOD' | 'REQMOD';
  /** How much is shown before the server says whether it wants the rest; undefined for everything at once. */
  readonly previewBytes: number | undefined;
}

/** Sends one file and reads what is said of it. The connection is of no use behind it. */
export class IcapTransaction {
  readonly #wire: Wire;
  readonly #item: GateItem;
  readonly #signal: AbortSignal;
  readonly #hash = createHash('sha256');
  #bytes = 0;
  #whole: { readonly bytes: number; readonly sha256: string } | undefined;
  /** Whether a preview was sent, and the server has not said yet whether it wants the rest. */
  #previewed = false;
  /** Resolves when it does. */
  readonly #continued = Promise.withResolvers<void>();
  /** Whether sending ended because the connection did. */
  #lost = false;
  /** Rejects when the file cannot be read, or the server takes no more of it without a word. */
  readonly #failed = Promise.withResolvers<never>();

  constructor(wire: Wire, item: GateItem, signal: AbortSignal) {
    this.#wire = wire;
    this.#item = item;
    this.#signal = signal;
    this.#failed.promise.catch(() => undefined);
  }

  /** @throws IcapBroken; Error when the server could not do its work, or the connection is lost; the signal's reason. */
  async run({ place, method, previewBytes }: IcapAsking): Promise<GateVerdict> {
    const known = await arrivedBefore(this.#item);
    const requestLine = `${method === 'RESPMOD' ? 'GET' : 'PUT'} ${urlOf(this.#item)} HTTP/1.1`;
    const { address } = this.#item;
    const head = headOf({ place, method, previewBytes, requestLine, bytes: known?.bytes, address });
    const over = new AbortController();
    const sending = this.#send(head, previewBytes, AbortSignal.any([this.#signal, over.signal]));
    const sent = sending.catch((error: unknown) => {
      if (!this.#lost) this.#failed.reject(error);
    });
    try {
      return await Promise.race([this.#answer({ method, requestLine }), this.#failed.promise]);
    } finally {
      over.abort(new Error('the answer is there'));
      this.#wire[Symbol.dispose]();
      await sent;
    }
  }

  async #answer({ method, requestLine }: Pick<SentFile, 'method' | 'requestLine'>): Promise<GateVerdict> {
    const reader = new ByteReader(() => this.#wire.read());
    let head = await readIcapHead(reader);
    if (head.code === 100) {
      // Not for a file that it has whole, and not twice.
      if (!this.#previewed) throw new IcapBroken('the server answered 100 unasked');
      this.#previewed = false;
      this.#continued.resolve();
      head = await readIcapHead(reader);
    }
    return await verdictOf(head, reader, {
      method,
      requestLine,
      bytes: () => this.#bytes,
      decidable: () => this.#previewed || this.#whole !== undefined,
      whole: () => this.#whole,
    });
  }

  async #send(head: string, previewBytes: number | undefined, signal: AbortSignal): Promise<void> {
    await this.#write(Buffer.from(head, 'latin1'));
    const pieces = untilAborted(this.#item.content, signal);
    try {
      if (previewBytes !== undefined) {
        const rest = await this.#preview(pieces, previewBytes);
        if (rest === undefined) return await this.#end('0; ieof\r\n\r\n');
        this.#previewed = true;
        await this.#write(Buffer.from('0\r\n\r\n'));
        await within(signal, () => this.#continued.promise);
        await this.#chunk(rest);
      }
      for await (const piece of pieces) await this.#chunk(piece);
      await this.#end('0\r\n\r\n');
    } finally {
      await pieces.return();
    }
  }

  /** Sends the beginning. @returns what was read beyond it; undefined when the file ends there. */
  async #preview(pieces: AsyncGenerator<Buffer, void, void>, previewBytes: number): Promise<Buffer | undefined> {
    for (;;) {
      const next = await pieces.next();
      if (next.done) return undefined;
      const room = previewBytes - this.#bytes;
      await this.#chunk(next.value.subarray(0, room));
      if (next.value.length > room) return next.value.subarray(room);
    }
  }

  async #chunk(piece: Buffer): Promise<void> {
    // An empty chunk would be the end of the body.
    if (piece.length === 0) return;
    this.#hash.update(piece);
    this.#bytes += piece.length;
    await this.#write(Buffer.from(`${piece.length.toString(16)}\r\n`));
    await this.#write(piece);
    await this.#write(Buffer.from('\r\n'));
  }

  async #end(terminator: string): Promise<void> {
    // Before the last bytes leave: the answer to them may be here before the write is known to be over.
    this.#whole = { bytes: this.#bytes, sha256: this.#hash.digest('hex') };
    await this.#write(Buffer.from(terminator));
  }

  async #write(piece: Buffer): Promise<void> {
    try {
      await this.#wire.write(piece);
    } catch (error) {
      // At the end of a connection may stand an answer: it is read, or its absence found out, by the one who reads.
      this.#lost = this.#wire.over;
      throw error;
    }
  }
}

/** A URL for the file, in which services see its account and name. */
function urlOf({ account, path }: GateItem): string {
  return `http://sallyport/${[account, ...path.split('/').slice(1)].map(encodeURIComponent).join('/')}`;
}

/** The head of the ICAP request with the HTTP heads in it (RFC 3507 sections 4.3.2 and 4.4). */
function headOf({
  place,
  method,
  previewBytes,
  requestLine,
  bytes,
  address,
}: IcapAsking & {
  readonly requestLine: string;
  readonly bytes: number | undefined;
  readonly address: string | undefined;
}): string {
  const entity = [
    'Content-Type: application/octet-stream',
    ...(bytes === undefined ? [] : [`Content-Length: ${bytes}`]),
  ];
  const request = `${[requestLine, 'Host: sallyport', ...(method === 'REQMOD' ? entity : [])].join('\r\n')}\r\n\r\n`;
  const response = method === 'REQMOD' ? '' : `${['HTTP/1.1 200 OK', ...entity].join('\r\n')}\r\n\r\n`;
  const sections =
    method === 'REQMOD'
      ? `req-hdr=0, req-body=${request.length}`
      : `req-hdr=0, res-hdr=${request.length}, res-body=${request.length + response.length}`;
  const lines = [
    `${method} ${place.uri} ICAP/1.0`,
    `Host: ${place.authority}`,
    'User-Agent: Sallyport',
    'Connection: close',
    'Allow: 204',
    ...(previewBytes === undefined ? [] : [`Preview: ${previewBytes}`]),
    ...(address === undefined ? [] : [`X-Client-IP: ${address}`]),
    `Encapsulated: ${sections}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${request}${response}`;
}
