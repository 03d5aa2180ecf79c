/** A channel between two ends in one process, which carries what a channel between processes would: text, one after the other. */
import type { MessagePort } from '../../src/lib/message-port.ts';

/** One end, and what has gone out of it. */
export interface FakePort extends MessagePort {
  readonly sent: object[];
}

/** Both ends; `cut` ends the channel for both, and what was on its way is lost. */
export interface FakeChannel {
  readonly one: FakePort;
  readonly other: FakePort;
  cut(): void;
}

/** Makes one. A message arrives behind everything that is ready to run when it is sent. */
export function fakeChannel(): FakeChannel {
  const one = new End();
  const other = new End();
  one.peer = other;
  other.peer = one;
  return {
    one,
    other,
    cut() {
      one.end(new Error('cut'));
      other.end(new Error('cut'));
    },
  };
}

/** Lets everything arrive that was sent, and everything be answered that can be at once. */
export async function arrived(): Promise<void> {
  for (let i = 0; i < 6; i++) await new Promise((resolve) => setImmediate(resolve));
}

class End implements FakePort {
  readonly sent: object[] = [];
  peer: End | undefined;
  #hear: (message: unknown) => void = () => undefined;
  #ended: (reason: Error) => void = () => undefined;
  #gone: Error | undefined;

  send(message: object): void {
    if (this.#gone !== undefined) return;
    this.sent.push(message);
    const text = JSON.stringify(message);
    setImmediate(() => this.peer?.receive(text));
  }

  onMessage(listener: (message: unknown) => void): void {
    this.#hear = listener;
  }

  onEnd(listener: (reason: Error) => void): void {
    this.#ended = listener;
  }

  receive(text: string): void {
    if (this.#gone === undefined) this.#hear(JSON.parse(text));
  }

  end(reason: Error): void {
    if (this.#gone !== undefined) return;
    this.#gone = reason;
    this.#ended(reason);
  }
}
