/** The bounds that an operator may move. */
import { z } from 'zod';
import { DEFAULT_LIMITS, type Limits } from '../protocol/limits.ts';
import { ifSound } from './option-checks.ts';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** The bounds of `protocol/limits.ts`; see there what each one protects from. */
export const limitsOptions = z
  .strictObject({
    lineBytesMax: limit('lineBytesMax', 512, 65_536),
    queuedLinesMax: limit('queuedLinesMax', 1, 10_000),
    // Above the longest line that `lineBytesMax` can allow.
    queuedBytesMax: limit('queuedBytesMax', 131_072, 67_108_864),
    badCommandsMax: limit('badCommandsMax', 1, 1_000),
    connectionsMax: limit('connectionsMax', 1, 100_000),
    connectionsPerAddressMax: limit('connectionsPerAddressMax', 1, 100_000),
    connectionsPerAccountMax: limit('connectionsPerAccountMax', 1, 100_000),
    handshakeTimeoutMs: limit('handshakeTimeoutMs', 100, 120 * SECOND_MS),
    loginTimeoutMs: limit('loginTimeoutMs', 100, 600 * SECOND_MS),
    loginAttemptsMax: limit('loginAttemptsMax', 1, 100),
    loginFailuresPerAddressMax: limit('loginFailuresPerAddressMax', 1, 10_000),
    loginLockoutMs: limit('loginLockoutMs', 100, 7 * DAY_MS),
    loginRefusalMs: limit('loginRefusalMs', 0, 10 * SECOND_MS),
    passwordQueueMax: limit('passwordQueueMax', 1, 10_000),
    idleTimeoutMs: limit('idleTimeoutMs', 100, DAY_MS),
    sessionTimeMaxMs: limit('sessionTimeMaxMs', SECOND_MS, 7 * DAY_MS),
    stallTimeoutMs: limit('stallTimeoutMs', 100, HOUR_MS),
    dataConnectTimeoutMs: limit('dataConnectTimeoutMs', 100, 600 * SECOND_MS),
    wrongPeersMax: limit('wrongPeersMax', 0, 1_000),
    uploadBytesMax: limit('uploadBytesMax', 0, Number.MAX_SAFE_INTEGER),
    inflateRatioMax: limit('inflateRatioMax', 10, 1_100),
    listingEntriesMax: limit('listingEntriesMax', 1, 100_000_000),
    hashBytesMax: limit('hashBytesMax', 0, Number.MAX_SAFE_INTEGER),
    asciiSizeBytesMax: limit('asciiSizeBytesMax', 0, Number.MAX_SAFE_INTEGER),
  } satisfies Record<keyof Limits, z.ZodType>)
  .superRefine(checkHandshakeInLogin, ifSound('handshakeTimeoutMs', 'loginTimeoutMs'))
  .superRefine(checkIdleInSession, ifSound('idleTimeoutMs', 'sessionTimeMaxMs'));

function limit(name: keyof Limits, min: number, max: number) {
  return z.int().min(min).max(max).default(DEFAULT_LIMITS[name]);
}

function checkHandshakeInLogin(limits: Limits, context: z.RefinementCtx): void {
  if (limits.handshakeTimeoutMs <= limits.loginTimeoutMs) return;
  const message = `is shorter than a TLS handshake may take (${limits.handshakeTimeoutMs})`;
  context.addIssue({ code: 'custom', path: ['loginTimeoutMs'], message });
}

function checkIdleInSession(limits: Limits, context: z.RefinementCtx): void {
  if (limits.idleTimeoutMs <= limits.sessionTimeMaxMs) return;
  const message = `is longer than a session may live (${limits.sessionTimeMaxMs})`;
  context.addIssue({ code: 'custom', path: ['idleTimeoutMs'], message });
}
