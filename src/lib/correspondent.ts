/**
 * Questions and news between two processes over one channel: both ends may ask, both may tell. Everything is heard in the order
 * in which it was said, so that news told in front of a question is known when that is answered.
 */
import { aside } from './aside.ts';
import { assert } from './assert.ts';
import type { Clock, Timer } from './clock.ts';
import { isPromise } from './is-promise.ts';
import type { MessagePort } from './message-port.ts';

/** A question or a piece of news, as whoever answers for it sees it. */
export interface Call {
  /** What came with it; whoever answers checks it. */
  readonly argument: unknown;
  /** Aborts when nobody waits for the answer any more: the asker gave up, or the channel is gone. */
  readonly signal: AbortSignal;
}

/** Those who answer, by the names of what is asked; for news nobody waits for what they return. */
export type Answers = Readonly<Record<string, (call: Call) => unknown>>;

/** How failures cross: what an error becomes on the way, and again behind it. */
export interface FailureForm {
  write(error: unknown): unknown;
  read(written: unknown): Error;
}

/** What a correspondent is made with. */
export interface CorrespondentParts {
  readonly clock: Clock;
  /** How long an answer is waited for, unless the question says otherwise. */
  readonly waitMaxMs: number;
  readonly failures: FailureForm;
  /** How long news wait for a question or an answer to cross with, milliseconds; 0 by default. Each crossing is a system call. */
  readonly lingerMs?: number | undefined;
  /** Told what was thrown by those who were told news, and what came that is no message of a correspondent. */
  readonly failed: (error: unknown) => void;
}

/** How one answer is waited for. */
export interface Asking {
  readonly signal?: AbortSignal | undefined;
  /** `long` for as long as it takes. */
  readonly waitMaxMs?: number | 'long' | undefined;
}

/** Thrown to whoever asks when the channel is gone, and to whoever has waited too long: whether it was done nobody knows. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered';
}

interface Question {
  answer(value: unknown): void;
  fail(error: unknown): void;
}

/** One end of the correspondence. */
export class Correspondent {
  readonly #port: MessagePort;
  readonly #parts: CorrespondentParts;
  readonly #answers = new Map<string, Answers[string]>();
  /** What was asked here and is not answered. */
  readonly #questions = new Map<number, Question>();
  /** What was asked there and is being answered here, as far as somebody looks at the signal. */
  readonly #answering = new Map<number, AbortController>();
  readonly #goneListeners: (() => void)[] = [];
  #lastId = 0;
  #outbox: unknown[][] = [];
  /** Whether what is in the outbox goes as soon as nothing else is left to do at this moment. */
  #leaving = false;
  #lingering: Timer | undefined;
  #gone: Error | undefined;

  constructor(port: MessagePort, parts: CorrespondentParts, answers: Answers = {}) {
    this.#port = port;
    this.#parts = parts;
    this.serve(answers);
    port.onMessage((message) => this.#receive(message));
    port.onEnd((reason) => this.#end(reason));
  }

  /** Why there is nobody to correspond with any more; undefined while there is. */
  get gone(): Error | undefined {
    return this.#gone;
  }

  /** Adds those who answer here. */
  serve(answers: Answers): void {
    for (const [name, answer] of Object.entries(answers)) {
      assert(!this.#answers.has(name), `one answers ${name}`);
      this.#answers.set(name, answer);
    }
  }

  /** Has the listener told when the channel is gone; at once when it is. */
  onGone(listener: () => void): void {
    if (this.#gone === undefined) this.#goneListeners.push(listener);
    else listener();
  }

  /**
   * Asks, and resolves to the answer, which the asker checks.
   *
   * @throws what the other end throws, as `failures` has it cross; Unanswered; the signal's reason.
   */
  ask(name: string, argument: unknown, { signal, waitMaxMs = this.#parts.waitMaxMs }: Asking = {}): Promise<unknown> {
    if (this.#gone !== undefined) return Promise.reject(this.#goneError());
    if (signal?.aborted) return Promise.reject(signal.reason);
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      const giveUp = (error: unknown) => {
        this.#questions.get(id)?.fail(error);
        this.#say(['forget', id]);
      };
      const leave = () => giveUp(signal?.reason);
      const timer =
        waitMaxMs === 'long'
          ? undefined
          : this.#parts.clock.after(waitMaxMs, () =>
              giveUp(new Unanswered(`no answer to ${name} within ${waitMaxMs} ms`)),
            );
      signal?.addEventListener('abort', leave, { once: true });
      const settle = () => {
        this.#questions.delete(id);
        timer?.cancel();
        signal?.removeEventListener('abort', leave);
      };
      this.#questions.set(id, {
        answer: (value) => {
          settle();
          resolve(value);
        },
        fail: (error) => {
          settle();
          reject(error);
        },
      });
      this.#say(['ask', id, name, argument]);
    });
  }

  /** Tells, and waits for nothing. What cannot be told because the channel is gone is dropped. */
  tell(name: string, argument: unknown): void {
    if (this.#gone !== undefined) return;
    const { lingerMs = 0, clock } = this.#parts;
    if (lingerMs === 0) {
      this.#say(['tell', name, argument]);
      return;
    }
    this.#outbox.push(['tell', name, argument]);
    this.#lingering ??= clock.after(lingerMs, () => this.#send());
  }

  /** What is said in one go crosses in one message: a system call each would cost more than what is said. */
  #say(words: unknown[]): void {
    if (this.#gone !== undefined) return;
    this.#outbox.push(words);
    if (this.#leaving) return;
    this.#leaving = true;
    queueMicrotask(() => this.#send());
  }

  #send(): void {
    const said = this.#outbox;
    this.#outbox = [];
    this.#leaving = false;
    this.#lingering?.cancel();
    this.#lingering = undefined;
    if (said.length > 0 && this.#gone === undefined) this.#port.send({ said });
  }

  #receive(message: unknown): void {
    if (this.#gone !== undefined) return;
    const said: unknown = typeof message === 'object' && message !== null ? Reflect.get(message, 'said') : undefined;
    // Others may use the channel as well.
    if (!Array.isArray(said)) return;
    for (const words of said) {
      try {
        this.#hear(words);
      } catch (error) {
        this.#parts.failed(error);
      }
    }
  }

  #hear(words: unknown): void {
    if (!Array.isArray(words)) throw new Error('what came is not what a correspondent says');
    const [kind, to, ...rest]: unknown[] = words;
    if (kind === 'tell') this.#hearNews(String(to), rest[0]);
    else if (typeof to === 'number') this.#hearNumbered(kind, to, rest);
    else throw new Error(`what came is not what a correspondent says: ${String(kind)}`);
  }

  /** An answer to what is no longer waited for says nothing. */
  #hearNumbered(kind: unknown, id: number, [first, second]: unknown[]): void {
    switch (kind) {
      case 'ask':
        this.#answer(id, String(first), second);
        break;
      case 'answer':
        this.#questions.get(id)?.answer(first);
        break;
      case 'failure':
        this.#questions.get(id)?.fail(this.#parts.failures.read(first));
        break;
      case 'forget':
        this.#answering.get(id)?.abort(new Unanswered('nobody waits for the answer any more'));
        break;
      default:
        throw new Error(`what came is not what a correspondent says: ${String(kind)}`);
    }
  }

  #answer(id: number, name: string, argument: unknown): void {
    const reply = (value: unknown) => {
      this.#answering.delete(id);
      this.#say(['answer', id, value]);
    };
    const fail = (error: unknown) => {
      this.#answering.delete(id);
      this.#say(['failure', id, this.#parts.failures.write(error)]);
    };
    try {
      const value = this.#answererOf(name)(this.#callOf(id, argument));
      if (isPromise(value)) Promise.resolve(value).then(reply, fail);
      else reply(value);
    } catch (error) {
      fail(error);
    }
  }

  #hearNews(name: string, argument: unknown): void {
    const call = { argument, signal: NEVER };
    aside(() => this.#answererOf(name)(call), this.#parts.failed);
  }

  #answererOf(name: string): Answers[string] {
    const answerer = this.#answers.get(name);
    if (answerer === undefined) throw new Error(`nobody here answers ${name}`);
    return answerer;
  }

  /** Most answers are there at once, and nobody looks at their signal. */
  #callOf(id: number, argument: unknown): Call {
    const answering = this.#answering;
    return {
      argument,
      get signal() {
        const controller = answering.get(id) ?? new AbortController();
        answering.set(id, controller);
        return controller.signal;
      },
    };
  }

  #end(reason: Error): void {
    if (this.#gone !== undefined) return;
    this.#gone = reason;
    this.#outbox = [];
    this.#lingering?.cancel();
    for (const question of [...this.#questions.values()]) question.fail(this.#goneError());
    for (const controller of [...this.#answering.values()]) controller.abort(this.#goneError());
    this.#answering.clear();
    for (const listener of this.#goneListeners.splice(0)) aside(listener, this.#parts.failed);
  }

  #goneError(): Unanswered {
    return new Unanswered('the channel is gone', { cause: this.#gone });
  }
}

const NEVER = new AbortController().signal;
