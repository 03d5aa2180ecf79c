/** The lines that have been read and wait for their turn, and what keeping them costs. */
import { Queue } from '../lib/queue.ts';
import type { Incoming } from './incoming.ts';

/** A line; the end of the connection waits for nobody. */
export type WaitingLine = Exclude<Incoming, { kind: 'end' }>;

/** What keeping a line costs beside its bytes: without it, any number of empty lines would cost nothing. */
const LINE_COST_BYTES = 64;

/** Lines in the order in which they came. */
export class Backlog {
  readonly #lines = new Queue<WaitingLine>();
  #bytes = 0;
  #abortCount = 0;

  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  /** What is kept of all lines, in bytes, with a fixed cost for each. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a command that ends the running transfer is among them. */
  get holdsAbort(): boolean {
    return this.#abortCount > 0;
  }

  /** The line whose turn is next. */
  get first(): WaitingLine | undefined {
    return this.#lines.first;
  }

  push(line: WaitingLine): void {
    this.#lines.push(line);
    this.#count(line, 1);
  }

  /** Takes the first line. */
  shift(): WaitingLine | undefined {
    const line = this.#lines.shift();
    if (line !== undefined) this.#count(line, -1);
    return line;
  }

  clear(): void {
    this.#lines.clear();
    this.#bytes = 0;
    this.#abortCount = 0;
  }

  #count(line: WaitingLine, sign: 1 | -1): void {
    this.#bytes += sign * (LINE_COST_BYTES + bytesOf(line));
    if (aborts(line)) this.#abortCount += sign;
  }
}

/** Whether the line is a command that ends the running transfer. */
export function aborts(line: WaitingLine): boolean {
  return line.kind === 'command' && line.definition.duringTransfer === 'aborts';
}

/** The bytes that are kept: of a line that is no command, the verb at most. */
function bytesOf(line: WaitingLine): number {
  if (line.kind === 'command') return line.verb.length + line.argument.length;
  return line.kind === 'unknown' ? line.verb.length : 0;
}
