/** A connection that has been accepted and that no worker has yet. */
import type { Socket } from 'node:net';

/** It; nothing has been read of it. */
export interface Arrival {
  readonly socket: Socket;
  readonly mode: 'explicit' | 'implicit';
}
