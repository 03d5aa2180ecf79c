/** The channel between a process and one that it has forked, as a port for messages. */
import type { MessagePort } from '../../lib/message-port.ts';

/** What of a process is needed; a process that was forked has it, and so has its parent's picture of it. */
export interface ForkedProcess {
  readonly connected?: boolean;
  send?(message: object, handle: undefined, options: undefined, sent: (error: Error | null) => void): boolean;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'disconnect', listener: () => void): unknown;
}

/** The port. Other messages may go over the channel as well. */
export function processPort(forked: ForkedProcess): MessagePort {
  return {
    send(message) {
      // What fails is lost with the channel, whose end is told by `disconnect`.
      if (forked.connected === true) forked.send?.(message, undefined, undefined, () => undefined);
    },
    onMessage: (listener) => void forked.on('message', listener),
    onEnd(listener) {
      const end = () => listener(new Error('the other process is gone'));
      if (forked.connected === true) forked.on('disconnect', end);
      else end();
    },
  };
}
