/** What all ways of handing files on have in common: their keys in the configuration, and what each is asked to do. */
import { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import { excerpt } from '../lib/printable.ts';
import type { Contents } from './contents.ts';
import type { Published } from './published.ts';

/** A path in the configuration. */
export const filePath = z.string().min(1).max(4_096);

const ONE_DAY_MS = 86_400_000;

/** The keys of every delivery. */
export const deliveryKeys = {
  /** Its name, by which directories ask for it. */
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, { error: 'must be 1 to 64 small letters, digits, - and _' }),
  /** How long one attempt may take. */
  timeoutMs: z.int().min(100).max(ONE_DAY_MS).default(60_000),
  /** How long it waits behind a failed attempt: at first, then twice as long each time, and at most. */
  retryMinMs: z.int().min(10).max(3_600_000).default(1_000),
  retryMaxMs: z.int().min(10).max(ONE_DAY_MS).default(300_000),
  /** Failed attempts behind which a file becomes a dead letter; without it time alone decides. */
  attemptsMax: z.int().min(1).max(1_000_000).optional(),
  /** How long behind the first failed attempt a file becomes a dead letter. */
  giveUpAfterMs: z.int().min(0).max(2_592_000_000).default(ONE_DAY_MS),
  /** How many inboxes it serves in one moment. */
  parallelMax: z.int().min(1).max(256).default(4),
};

/** Refuses a first wait that is longer than the longest. */
export function refuseCrossedWaits(
  { retryMinMs, retryMaxMs }: { readonly retryMinMs: number; readonly retryMaxMs: number },
  context: z.RefinementCtx,
): void {
  if (retryMinMs <= retryMaxMs) return;
  context.addIssue({ code: 'custom', path: ['retryMaxMs'], message: 'is below retry_min_ms' });
}

/** The settings that decide when a file is tried again, and when no more. */
export interface DeliveryTerms {
  readonly name: string;
  readonly kind: string;
  readonly timeoutMs: number;
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
  readonly attemptsMax?: number | undefined;
  readonly giveUpAfterMs: number;
  readonly parallelMax: number;
}

/** One file on its way to one receiver. */
export interface Parcel {
  /** The same at every attempt, and for no other file and receiver: by it a receiver tells repeats. */
  readonly key: string;
  /** From 1. */
  readonly attempt: number;
  readonly published: Published;
  /** The record in the audit log, its exact bytes as text. */
  readonly record: string;
  /** The receipt of the upload. @throws Undeliverable when the log has dropped the record. */
  receipt(): Promise<string>;
  /** Opens the file. @throws Undeliverable when it is gone, or not the one that was published. */
  contents(): Promise<Contents>;
}

/** A way to hand files on. */
export interface Way extends DeliveryTerms {
  /**
   * Hands one file on. Resolves when the receiver has it. A throw means that it may be tried again, unless it is
   * `Undeliverable`; the signal aborts when the attempt is given up, and then nothing of it may go on.
   */
  handOn(parcel: Parcel, signal: AbortSignal): Promise<void>;
}

/** What ways are given to work with. */
export interface WayParts {
  readonly clock: Clock;
}

/** Why something failed, for log, record and list: printable, and not too long. */
export function whyOf(error: unknown): string {
  return shown(error instanceof Error ? error.message : String(error)) || 'no reason was given';
}

/** Words of somebody else's program: printable, and not too many. */
export function shown(text: string): string {
  return excerpt(text, SHOWN_CHARACTERS_MAX);
}

/** How much of such words is shown. */
export const SHOWN_CHARACTERS_MAX = 300;
