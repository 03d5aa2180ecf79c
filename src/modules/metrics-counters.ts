/**
 * Counts what happens, for monitoring. What is counted carries kinds and outcomes only, never a name, an address or a file:
 * the numbers tell nothing of single partners, and there are never more of them however many clients come.
 */
import { z } from 'zod';
import { Fault } from '../spi/fault.ts';
import type { Module, Request, Result } from '../spi/module.ts';
import { defineModule } from '../spi/module.ts';
import type { Session } from '../spi/session.ts';

/** How something ended. */
export type CountedResult = 'ok' | 'failed';

/** What a transfer is to the client. */
export type CountedDirection = 'upload' | 'download' | 'listing';

/** A TLS connection that came about. */
export interface CountedHandshake {
  readonly channel: 'control' | 'data';
  readonly version: string;
  readonly resumed: boolean;
}

/** Where it is counted. Each is called once for what it names, behind it; what it throws is logged. */
export interface Counts {
  /** A login that was looked at; one that was refused before that is a failed command. */
  login(result: CountedResult): void;
  /** A transfer that began (150), with the bytes that moved, in MODE Z the compressed ones. */
  transfer(direction: CountedDirection, result: CountedResult, bytes: number): void;
  /** Any command, with its class. */
  command(commandClass: string, result: CountedResult): void;
  handshake(handshake: CountedHandshake): void;
  handshakeFailed(channel: 'control' | 'data'): void;
}

/** Makes the module. It refuses nothing and changes no reply. */
export function metricsCounters(counts: Counts): Module {
  /** The sessions whose TLS has been counted: it begins once in a session. */
  const secured = new Set<string>();
  const seeControl = ({ id, controlTls }: Session) => {
    if (controlTls === undefined || secured.has(id)) return;
    secured.add(id);
    const { version, resumed } = controlTls;
    counts.handshake({ channel: 'control', version, resumed });
  };
  const see = (request: Request, result: Result, ended: CountedResult) => {
    seeControl(request.context.session);
    count(counts, request, result, ended);
  };
  return defineModule({
    name: 'metrics-counters',
    onTlsFailed: () => counts.handshakeFailed('control'),
    onDisconnect: (session) => {
      // A client may say nothing behind the handshake.
      seeControl(session);
      secured.delete(session.id);
    },
    handlers: [
      { phase: 'LOG_CMD', verb: '*', handle: (request, result) => see(request, result, 'ok') },
      { phase: 'LOG_CMD_ERR', verb: '*', handle: (request, result) => see(request, result, 'failed') },
    ],
  });
}

function count(counts: Counts, { traits }: Request, { change, notes, cause }: Result, ended: CountedResult): void {
  counts.command(traits.class, ended);
  if (change?.kind === 'LogIn') counts.login('ok');
  if (change?.kind === 'FailLogin') counts.login('failed');
  if (traits.data !== 'transfers') return;
  // Without 150 nothing has begun.
  const { transferMs, dataBytes, dataTls } = transferNotes.parse(notes);
  if (transferMs === undefined) return;
  counts.transfer(DIRECTIONS[traits.class] ?? 'listing', ended, dataBytes);
  if (dataTls !== undefined) counts.handshake({ channel: 'data', ...dataTls });
  if (cause instanceof Fault && cause.kind === 'DataTlsFailed') counts.handshakeFailed('data');
}

const DIRECTIONS: Readonly<Record<string, CountedDirection>> = { write: 'upload', read: 'download' };

/** What is read of the notes; those of somebody else's command may say anything. */
const transferNotes = z.object({
  transferMs: z.number().optional().catch(undefined),
  dataBytes: z.number().nonnegative().catch(0),
  dataTls: z
    .object({ version: z.enum(['TLSv1.2', 'TLSv1.3']), resumed: z.boolean() })
    .optional()
    .catch(undefined),
});
