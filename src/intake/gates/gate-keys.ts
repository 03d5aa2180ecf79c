/** What all gates of the configuration have in common. */
import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { isLoopback } from '../../lib/hook-url.ts';
import { Places } from '../../lib/places.ts';
import { excerpt } from '../../lib/printable.ts';
import type { Gate, GateItem, GateVerdict } from '../../spi/gate.ts';

/** A path in the configuration. */
export const filePath = z.string().min(1).max(4_096);

/** The keys of every gate. */
export const gateKeys = {
  /** Its name, by which directories ask for it. */
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, { error: 'must be 1 to 64 small letters, digits, - and _' }),
  /** How long it may take for one file, counted from its arrival; later the file could not be checked. */
  deadlineMs: z.int().min(100).max(86_400_000).default(60_000),
  /** How many files it looks at in one moment; the others wait, accounts in turn. Waiting counts. */
  parallelMax: z.int().min(1).max(256).default(8),
};

/** The keys of gates that connect by themselves. */
export const connectionKeys = {
  /** How long a connection may take to come about. */
  connectTimeoutMs: z.int().min(100).max(60_000).default(5_000),
  /** Whether files may be sent to another machine in clear. */
  clearTextAllowed: z.boolean().default(false),
};

/** What gates are given to work with. */
export interface GateParts {
  readonly clock: Clock;
}

/** Whether a host is this machine. */
export function isThisMachine(host: string): boolean {
  return isLoopback({ hostname: host });
}

/** A gate that looks at so many files at a time and lets the others wait. */
export function inPlaces(places: Places, gate: Gate): Gate {
  return {
    ...gate,
    async inspect(item: GateItem, signal: AbortSignal): Promise<GateVerdict> {
      using _place = await places.take(item.account, signal);
      return await gate.inspect(item, signal);
    },
  };
}

/** The same with a number of places that does not change. */
export function inTurn(parallelMax: number, gate: Gate): Gate {
  return inPlaces(new Places(parallelMax), gate);
}

/** Words of somebody else's program, for log and quarantine: printable, and not too many. */
export function shown(text: string): string {
  return excerpt(text, SHOWN_CHARACTERS_MAX);
}

/** How much of such words is shown. */
export const SHOWN_CHARACTERS_MAX = 200;

/**
 * Size and hash of a file that has arrived already; undefined while it still arrives. Whoever has yet to read the contents
 * must not wait for them: they come to be known by that reading.
 */
export async function arrivedBefore({ arrived }: GateItem): Promise<Awaited<GateItem['arrived']> | undefined> {
  return await Promise.race([arrived, new Promise<undefined>((resolve) => setImmediate(resolve, undefined))]);
}
