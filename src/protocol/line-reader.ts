/** Turns the bytes of a control channel into command lines: ends of line, Telnet commands, and one bound on it all. */
import { unreachable } from '../lib/assert.ts';

/**
 * What one line of the control channel came to:
 * - `line`: its bytes, without the end of line. Which text they stand for depends on the session's charset at the moment
 *   when the line's turn has come;
 * - `badByte`: it holds a NUL or a CR that does not end it. Such a line is refused as a whole; taken as two, its second
 *   half would be a command that someone in between has smuggled in. CR NUL, with which RFC 2640 section 3.1 writes a
 *   CR within a name, is refused with it: no name here has one;
 * - `tooLong`: it is longer than the bound. Reported as soon as that is known; the rest of the line is discarded.
 */
export type ControlLine =
  | { readonly kind: 'line'; readonly bytes: Buffer }
  | { readonly kind: 'badByte' }
  | { readonly kind: 'tooLong' };

const NUL = 0;
const LF = 10;
const CR = 13;
/** The one command that a CR alone ends. */
const ABOR = 'ABOR';
/** Telnet's "interpret as command", and the commands that matter here (RFC 959 section 4.1.3 names IP and Synch). */
const IAC = 255;
const DATA_MARK = 242;
const INTERRUPT_PROCESS = 244;
const TWO_BYTE_FIRST = 241;
const TWO_BYTE_LAST = 249;
const WILL = 251;
const DONT = 254;

/** Room for the lines that clients send as a rule. */
const LINE_BYTES_FIRST = 64;
const NO_BYTES = Buffer.alloc(0);

/** What the Telnet layer waits for. */
type TelnetState = 'ExpectData' | 'ExpectCommand' | 'ExpectOption' | 'ExpectDataMark';

/** Bytes that a Telnet sequence has taken so far, in each state. */
const PENDING_BYTES: Record<TelnetState, number> = {
  ExpectData: 0,
  ExpectCommand: 1,
  ExpectOption: 2,
  ExpectDataMark: 0,
};

/**
 * Reads lines, however the bytes are split on their way. Lines end with CRLF; a bare LF is tolerated, and so is a CR alone
 * behind ABOR: Python's ftplib sends that line as TCP urgent data, and its last byte, the LF, never arrives. Telnet commands
 * and option requests are dropped without an answer; IAC IAC is a byte 255. None of this can harm a name in UTF-8, which
 * has no byte 255. Holds at most `lineBytesMax` bytes.
 */
export class LineReader {
  readonly #lineBytesMax: number;
  #line = NO_BYTES;
  #length = 0;
  #telnet: TelnetState = 'ExpectData';
  /** Whether the IAC that waits for its command came right behind IAC IP. */
  #halfSynch = false;
  #afterCr = false;
  #bad = false;
  #discarding = false;
  /** Whether an ABOR has just ended at its CR, so that an LF would be the rest of its end. */
  #lfExpected = false;

  /** @param lineBytesMax the longest line, its end of line counted. */
  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  /** Bytes of an unfinished line or Telnet sequence that are held here; 0 when nothing waits for more bytes. */
  get bufferedBytes(): number {
    return this.#length + PENDING_BYTES[this.#telnet];
  }

  /** Takes the next bytes. @returns the lines that they complete, in their order. */
  push(chunk: Buffer): ControlLine[] {
    const lines: ControlLine[] = [];
    for (const byte of chunk) {
      const line = this.#takeWire(byte);
      if (line !== undefined) lines.push(line);
    }
    return lines;
  }

  /** The Telnet layer: passes on what is data. */
  #takeWire(byte: number): ControlLine | undefined {
    const state = this.#telnet;
    switch (state) {
      case 'ExpectDataMark':
        this.#telnet = 'ExpectData';
        // Synch is IAC DM with IAC as TCP urgent data: a socket that does not read urgent data in line sees DM alone.
        if (byte !== IAC) return byte === DATA_MARK ? undefined : this.#takeWire(byte);
        // Or DM was the urgent byte, as Telnet has it, and the IAC stands alone before the command.
        this.#telnet = 'ExpectCommand';
        this.#halfSynch = true;
        return undefined;
      case 'ExpectData':
        if (byte !== IAC) return this.#takeData(byte);
        this.#telnet = 'ExpectCommand';
        return undefined;
      case 'ExpectCommand':
        return this.#takeTelnetCommand(byte);
      case 'ExpectOption':
        this.#telnet = 'ExpectData';
        return undefined;
      default:
        return unreachable(state);
    }
  }

  #takeTelnetCommand(byte: number): ControlLine | undefined {
    this.#telnet = 'ExpectData';
    const halfSynch = this.#halfSynch && byte < TWO_BYTE_FIRST;
    this.#halfSynch = false;
    if (byte === IAC) return this.#takeData(IAC);
    if (byte >= WILL && byte <= DONT) {
      this.#telnet = 'ExpectOption';
      return undefined;
    }
    if (byte >= TWO_BYTE_FIRST && byte <= TWO_BYTE_LAST) {
      if (byte === INTERRUPT_PROCESS) this.#telnet = 'ExpectDataMark';
      return undefined;
    }
    if (halfSynch) return this.#takeData(byte);
    // Not Telnet but a client that does not double its 255s. Both bytes are data: the second may be the end of the line.
    const first = this.#takeData(IAC);
    const second = this.#takeData(byte);
    return first ?? second;
  }

  /** The line layer: collects bytes up to the end of the line. */
  #takeData(byte: number): ControlLine | undefined {
    if (this.#discarding) {
      this.#discarding = byte !== LF;
      return undefined;
    }
    if (this.#length === this.#lineBytesMax) {
      this.#clear();
      this.#discarding = byte !== LF;
      return { kind: 'tooLong' };
    }
    if (this.#lfExpected) {
      this.#lfExpected = false;
      if (byte === LF) return undefined;
    }
    if (byte === LF) return this.#finish();
    if (byte === CR && this.#isAbor) {
      this.#lfExpected = true;
      return this.#finish();
    }
    if (byte === NUL || this.#afterCr) this.#bad = true;
    this.#afterCr = byte === CR;
    if (this.#length === this.#line.length) this.#grow();
    this.#line[this.#length++] = byte;
    return undefined;
  }

  /** Long lines are rare, and a session keeps what is held here for as long as it lives. */
  #grow(): void {
    const short = this.#line;
    this.#line = Buffer.alloc(Math.min(this.#lineBytesMax, Math.max(LINE_BYTES_FIRST, 2 * short.length)));
    short.copy(this.#line);
    short.fill(0);
  }

  /**
   * Whether the line so far is ABOR and nothing else. Nobody can smuggle a command in behind such a CR: what strangers
   * get into a line (the name of a file) stands behind a verb and a space, and this line has only the verb.
   */
  get #isAbor(): boolean {
    return this.#length === ABOR.length && this.#line.toString('latin1', 0, this.#length).toUpperCase() === ABOR;
  }

  #finish(): ControlLine {
    const bytes = this.#line.subarray(0, this.#afterCr ? this.#length - 1 : this.#length);
    const line: ControlLine = this.#bad ? { kind: 'badByte' } : { kind: 'line', bytes: Buffer.from(bytes) };
    this.#clear();
    return line;
  }

  #clear(): void {
    // The line may have been a password.
    this.#line.fill(0, 0, this.#length);
    if (this.#line.length > LINE_BYTES_FIRST) this.#line = NO_BYTES;
    this.#length = 0;
    this.#afterCr = false;
    this.#bad = false;
  }
}
