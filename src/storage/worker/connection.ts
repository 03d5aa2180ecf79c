/** The gateway's side of the channel to a worker: questions, their answers, and the end of both. */
import type { Duplex } from 'node:stream';
import type { z } from 'zod';
import type { Clock, Timer } from '../../lib/clock.ts';
import { Fault } from '../../spi/fault.ts';
import { encodeFrame, type Frame, FrameReader } from './frames.ts';
import { ANSWERS, arrived, type WorkerQuestion, workerReply } from './messages.ts';

/** An answer, checked, with the bytes that came along. */
export interface Answer<Ok> {
  readonly ok: Ok;
  readonly body: Buffer;
}

/** What a connection needs to know beside its channel. */
export interface ConnectionParts {
  readonly clock: Clock;
  /** A worker that says nothing for this long while it is asked something is asked for a sign of life, and given up then. */
  readonly pingMs: number;
  /** Called once, when the worker is of no more use. */
  readonly onEnd: (reason: Error) => void;
}

interface Question {
  answer(ok: unknown, body: Buffer): void;
  fail(error: unknown): void;
}

/** Asks a worker. Every question is answered once, by the worker or by the end of the channel. */
export class WorkerConnection {
  readonly #channel: Duplex;
  readonly #parts: ConnectionParts;
  readonly #reader = new FrameReader();
  readonly #questions = new Map<number, Question>();
  #lastId = 0;
  /** Whether anything has come since it was last asked for a sign of life; undefined before the very first answer. */
  #heard: boolean | undefined;
  #beat: Timer | undefined;
  #ended: Error | undefined;

  constructor(channel: Duplex, parts: ConnectionParts) {
    this.#channel = channel;
    this.#parts = parts;
    channel.on('data', (bytes: Buffer) => this.#receive(bytes));
    channel.on('error', (error) => this.end(error));
    for (const event of ['end', 'close']) {
      channel.on(event, () => this.end(new Error('the worker closed its channel')));
    }
  }

  /**
   * Asks one thing. The buffers must not change until the answer is there.
   *
   * @throws Fault the worker's own; `Local` when it ends before it has answered, or answers what cannot be.
   */
  ask<Ok>(question: WorkerQuestion, form: z.ZodType<Ok>, body: readonly Buffer[] = []): Promise<Answer<Ok>> {
    if (this.#ended !== undefined) return Promise.reject(new Fault('Local', { cause: this.#ended }));
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#questions.set(id, {
        answer: (ok, bytes) => resolve({ ok: form.parse(ok), body: bytes }),
        fail: reject,
      });
      // One system call for all of it.
      this.#channel.cork();
      for (const bytes of encodeFrame({ id, ...question }, body)) this.#channel.write(bytes);
      this.#channel.uncork();
      this.#listenForLife();
    });
  }

  /** Whether it is of no more use. */
  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /** Gives the worker up: whatever was asked has failed, and so will whatever is asked from now on. */
  end(reason: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#beat?.cancel();
    this.#channel.destroy();
    for (const question of this.#questions.values()) question.fail(new Fault('Local', { cause: reason }));
    this.#questions.clear();
    this.#parts.onEnd(reason);
  }

  #receive(bytes: Buffer): void {
    if (this.#ended !== undefined) return;
    this.#heard = true;
    try {
      for (const frame of this.#reader.push(bytes)) this.#settle(frame);
    } catch (cause) {
      this.end(new Error('the worker said what no worker says', { cause }));
    }
  }

  #settle({ header, body }: Frame): void {
    const reply = workerReply.parse(header);
    const question = this.#questions.get(reply.id);
    if (question === undefined) throw new Error('an answer that nobody waits for');
    if ('fault' in reply) question.fail(arrived(reply.fault));
    else question.answer(reply.ok, body);
    // Not before: one whose answer cannot be is failed by the end of the connection.
    this.#questions.delete(reply.id);
  }

  /** The owner of the rights may stop the process; whoever waits for it must not be stopped along with it. */
  #listenForLife(): void {
    this.#beat ??= this.#parts.clock.after(this.#parts.pingMs, () => {
      this.#beat = undefined;
      if (this.#questions.size === 0) return;
      // One that is only starting has its own deadline, which its starter knows.
      if (this.#heard === undefined) return this.#listenForLife();
      if (!this.#heard) return this.end(new Error(`the worker said nothing for ${this.#parts.pingMs} ms`));
      this.#heard = false;
      this.ask({ op: 'ping' }, ANSWERS.nothing).catch(() => undefined);
    });
  }
}
