/** One end of a channel that carries messages between processes, whatever it is made of. */

/** The end. Messages are what JSON can write down; they come in their order, each once, until the channel is gone. */
export interface MessagePort {
  /** Sends one. Never throws: what cannot be sent any more is lost with the channel, and that is told. */
  send(message: object): void;
  /** Has every message given to the listener. There is one listener. */
  onMessage(listener: (message: unknown) => void): void;
  /** Has the listener told, once, that no message comes or goes any more. */
  onEnd(listener: (reason: Error) => void): void;
}
