/**
 * Stands between a data socket and its TLS layer and answers what Node's `TLSSocket` cannot: did the sender say that it
 * was done (close_notify), or did the connection merely stop? It also keeps back what the server would send after the
 * handshake, for the sake of clients that only send.
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { readOwned } from './owned-reads.ts';
import { turns } from './turn-share.ts';

/** TLS record types (RFC 8446 section 5.1). */
const APPLICATION_DATA = 23;
const RECORD_HEADER_BYTES = 5;
/**
 * Longer than two records (RFC 8446 section 5.2): it completes whatever record the FIN has cut off, and begins another.
 * Zeros are no record, and behind a cut one no ciphertext that would pass its check.
 */
const FALSE_BYTES = Buffer.alloc(2 * (RECORD_HEADER_BYTES + 16_384 + 256));

/** Most bytes of one read: several TLS records, and few enough to stay in the processor's caches. */
const READ_BYTES = 262_144;
/** One memory for all guards: TLS takes its copy of what was read before anything else is read. */
const memory = Buffer.allocUnsafeSlow(READ_BYTES);

/**
 * A Duplex to be given to a server-side `TLSSocket` in place of the socket.
 *
 * End of data. `TLSSocket` reports a TCP FIN and a close_notify as the same `end`. So the FIN is not passed on when it
 * arrives (`endSeen`), but only by `passEnd()`, which the reader calls when every byte before it has been consumed. If
 * the TLS layer has ended before that call, it was the sender's close_notify that ended it.
 *
 * There is a close_notify that does not end the TLS layer: the one behind a `user_canceled` in TLS 1.3, which is how Java
 * closes. OpenSSL takes it and reads no further, but then remembers the other alert as the last one, and has SSL_get_error
 * speak of SSL_ERROR_SYSCALL; Node, which finds no error to go with that, does nothing at all. So `passEnd` can put false
 * bytes in front of the FIN. An OpenSSL that still reads must fail on them (`_tlsError`); one that has decrypted a
 * close_notify does not look at them, and the end follows.
 *
 * Withholding. In TLS 1.3 the server's session tickets follow the handshake. A client that never reads from an upload's
 * connection closes it with those tickets unread; its kernel then sends a reset, which destroys the tail of the upload.
 * From the client's first application-data record on (in 1.3 that is its Finished) nothing is sent until `release()`.
 * In TLS 1.2 the handshake has no such records, and the server has nothing to say behind it.
 */
export class CloseNotifyGuard extends Duplex {
  readonly #socket: Socket;
  readonly #share = turns.share();
  #endSeen = false;
  #firstByte: number | undefined;
  #leftUnused = false;
  #endPassed = false;
  #held: Buffer[] | undefined;
  #released = false;
  #discarding = false;
  /** Bytes of the current record still to be skipped, until the first application-data record has been seen. */
  #recordBytesLeft = 0;
  #partialHeader: Buffer = Buffer.alloc(0);
  /** Called when the FIN arrives and whenever sent bytes have left for the kernel. */
  readonly #onProgress: () => void;

  constructor(socket: Socket, onProgress: () => void, writableHighWaterMark: number) {
    super({ allowHalfOpen: true, writableHighWaterMark });
    this.#socket = socket;
    this.#onProgress = onProgress;
    const receive = (chunk: Buffer) => this.#receive(chunk);
    // What was read to see that somebody speaks.
    for (let early = socket.read(); early !== null; early = socket.read()) receive(early);
    if (!readOwned(socket, memory, receive)) socket.on('data', receive);
    socket.on('end', () => {
      this.#endSeen = true;
      this.#leftUnused = this.#firstByte === undefined;
      onProgress();
    });
    socket.on('error', (error) => {
      this.#leftUnused = this.#firstByte === undefined;
      this.destroy(error);
    });
    socket.on('close', () => {
      // After a FIN there may still be bytes on their way to the reader.
      if (!this.#endSeen) this.destroy();
    });
    socket.pause();
  }

  /** Whether the peer's FIN has arrived and every byte before it has been handed to the TLS layer. */
  get endSeen(): boolean {
    return this.#endSeen && this.readableLength === 0;
  }

  /** Whether the peer has ended the connection without having sent a single byte: no TLS will ever begin on it. */
  get leftUnused(): boolean {
    return this.#leftUnused;
  }

  /** What the peer's bytes began with: the type of a record, if it speaks TLS. */
  get firstByte(): number | undefined {
    return this.#firstByte;
  }

  /** Whether the FIN has been passed on: an end of the TLS layer after this moment proves nothing. */
  get endPassed(): boolean {
    return this.#endPassed;
  }

  /** Passes the FIN on to the TLS layer, `tested` with false bytes in front of it; what TLS says to those goes nowhere. */
  passEnd(manner: 'plain' | 'tested'): void {
    if (this.#endPassed) return;
    this.#endPassed = true;
    if (manner === 'tested') {
      this.#held ??= [];
      this.push(FALSE_BYTES);
    }
    this.push(null);
  }

  /** Sends what was withheld, and from now on everything at once. */
  release(): void {
    this.#released = true;
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined && held.length > 0 && this.#socket.writable) this.#socket.write(Buffer.concat(held));
  }

  /** From now on takes what comes and drops it. */
  discard(): void {
    this.#discarding = true;
    this.#socket.resume();
  }

  /** The socket is read while this flows: what is pushed is consumed at once. */
  override resume(): this {
    this.#socket.resume();
    return super.resume();
  }

  override pause(): this {
    if (!this.#discarding) this.#socket.pause();
    return super.pause();
  }

  override _read(): void {
    // See `resume`.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#held !== undefined) {
      this.#held.push(chunk);
      done();
      return;
    }
    this.#socket.write(chunk, (error) => {
      this.#onProgress();
      done(error);
    });
  }

  override _final(done: (error?: Error | null) => void): void {
    this.release();
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #receive(chunk: Buffer): void {
    this.#firstByte ??= chunk[0];
    if (this.#discarding) return;
    if (!this.#released && this.#held === undefined && this.#hasApplicationData(chunk)) this.#held = [];
    if (this.readableFlowing === true && this.readableLength === 0) this.emit('data', chunk);
    // It has to wait, and the memory that it is in does not.
    else this.push(Buffer.from(chunk));
    if (this.#share.used(chunk.length)) this.#waitForTurn();
  }

  /** Lets others have this turn of the event loop. */
  #waitForTurn(): void {
    this.#socket.pause();
    this.#share.next(() => {
      if (this.readableFlowing === true) this.#socket.resume();
    });
  }

  /** Follows the record headers (type, version, length) until the first application-data record. */
  #hasApplicationData(chunk: Buffer): boolean {
    let offset = 0;
    while (offset < chunk.length) {
      const skipped = Math.min(this.#recordBytesLeft, chunk.length - offset);
      this.#recordBytesLeft -= skipped;
      offset += skipped;
      if (offset === chunk.length) return false;
      const missing = RECORD_HEADER_BYTES - this.#partialHeader.length;
      const header = Buffer.concat([this.#partialHeader, chunk.subarray(offset, offset + missing)]);
      if (header[0] === APPLICATION_DATA) return true;
      offset += Math.min(missing, chunk.length - offset);
      this.#partialHeader = header.length < RECORD_HEADER_BYTES ? header : Buffer.alloc(0);
      if (header.length === RECORD_HEADER_BYTES) this.#recordBytesLeft = header.readUInt16BE(3);
    }
    return false;
  }
}
