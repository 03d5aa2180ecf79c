/**
 * Counts what happens, for monitoring. What is counted carries kinds and outcomes only, never a name, an address or a file:
 * the numbers tell nothing of single partners, and there are never more of them however many clients come.
 */
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

/**
 * Where it is counted. Each is called once for what it names, behind it; what it throws is logged. Who has counted elsewhere
 * says how many `times` at once.
 */
export interface Counts {
  /** A login that was looked at; one that was refused before that is a failed command. */
  login(result: CountedResult, times?: number): void;
  /** A transfer that began (150), with the bytes that moved, of all times together, in MODE Z the compressed ones. */
  transfer(direction: CountedDirection, result: CountedResult, bytes: number, times?: number): void;
  /** Any command, with its class. */
  command(commandClass: string, result: CountedResult, times?: number): void;
  handshake(handshake: CountedHandshake, times?: number): void;
  handshakeFailed(channel: 'control' | 'data', times?: number): void;
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
  if (!Number.isFinite(notes.transferMs)) return;
  counts.transfer(DIRECTIONS[traits.class] ?? 'listing', ended, bytesIn(notes.dataBytes));
  const tls = handshakeIn(notes.dataTls);
  if (tls !== undefined) counts.handshake({ channel: 'data', ...tls });
  if (cause instanceof Fault && cause.kind === 'DataTlsFailed') counts.handshakeFailed('data');
}

const DIRECTIONS: Readonly<Record<string, CountedDirection>> = { write: 'upload', read: 'download' };

/** Notes of somebody else's command may say anything, and each transfer passes here: a schema would cost more than all else. */
function bytesIn(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : 0;
}

/** What is no handshake of a known version is taken for none: each version is a number of its own for ever. */
function handshakeIn(value: unknown): Omit<CountedHandshake, 'channel'> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { version, resumed } = { version: undefined, resumed: undefined, ...value };
  if ((version !== 'TLSv1.2' && version !== 'TLSv1.3') || typeof resumed !== 'boolean') return undefined;
  return { version, resumed };
}
