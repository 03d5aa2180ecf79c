/** How fast transfers may go, as the configuration says it: pyftpdlib's read_limit and write_limit, on three levels. */
import { z } from 'zod';
import { defineDirective } from '../spi/directive.ts';
import type { Module } from '../spi/module.ts';
import { defineModule } from '../spi/module.ts';
import type { Rates } from '../transfer/throttle.ts';

/** Bytes a second in both directions; 0 is no limit, and what is left out is as further out. */
export const ratesSchema = z.strictObject({
  /** What comes from the client. */
  uploadBytesPerSecond: rate().optional(),
  /** What goes to the client. */
  downloadBytesPerSecond: rate().optional(),
});

/** Rates of one account's sessions, together and each. */
const ofSessions = { account: ratesSchema.optional(), session: ratesSchema.optional() };

/** What a program may say of rates while the gateway runs. */
export const liveRatesSchema = z.strictObject({
  server: ratesSchema.optional(),
  ...ofSessions,
  accounts: z.record(z.string(), z.strictObject(ofSessions)).optional(),
});

/** The rates of each session. */
export const sessionRates = defineDirective({
  name: 'sessionRates',
  help: 'How fast one session may send and receive, in bytes a second.',
  contexts: ['server', 'host', 'class', 'account'],
  schema: ratesSchema,
  initial: {},
  merge: innerFirst,
});

/** The rates of all sessions of an account together. */
export const accountRates = defineDirective({
  name: 'accountRates',
  help: 'How fast all sessions of an account together may send and receive, in bytes a second.',
  contexts: ['server', 'host', 'class', 'account'],
  schema: ratesSchema,
  initial: {},
  merge: innerFirst,
});

/** The rates of all sessions together. */
export const serverRates = defineDirective({
  name: 'serverRates',
  help: 'How fast all sessions together may send and receive, in bytes a second.',
  contexts: ['server'],
  schema: ratesSchema,
  initial: {},
  merge: innerFirst,
});

/** Declares the rates; `transfer/throttle.ts` holds transfers to them. */
export function rates(): Module {
  return defineModule({ name: 'rates', directives: [sessionRates, accountRates, serverRates] });
}

/** Each direction by itself: who says something of uploads has said nothing of downloads. */
function innerFirst(outer: Rates, inner: Rates): Rates {
  return {
    uploadBytesPerSecond: inner.uploadBytesPerSecond ?? outer.uploadBytesPerSecond,
    downloadBytesPerSecond: inner.downloadBytesPerSecond ?? outer.downloadBytesPerSecond,
  };
}

/** Below 1 KiB a second a transfer would rather look dead than slow. */
function rate() {
  return z
    .int()
    .min(0)
    .max(1_000_000_000_000)
    .refine((bytes) => bytes === 0 || bytes >= 1_024, { error: 'must be 0 for no limit, or at least 1024' });
}
