/** An upload that has arrived whole: everything that has to be known to check, record and publish it, in this process or a later one. */
import { z } from 'zod';
import { ROOT, resolvePath } from '../../protocol/virtual-path.ts';
import type { Account } from '../../spi/authenticator.ts';
import type { Arrival } from '../../spi/intake.ts';
import type { Session } from '../../spi/session.ts';
import type { TlsFacts } from '../../spi/tls-facts.ts';

/** The command that works on files: whose it is, and where its notes for the log go. */
export interface IntakeUse {
  readonly session: Session;
  readonly account: Account;
  /** The command's verb. */
  readonly verb: string;
  note(fields: Readonly<Record<string, unknown>>): void;
}

/** A path that is as `resolvePath` makes it. */
const virtualPath = z.string().transform((text, context) => {
  const path = resolvePath(ROOT, text);
  if (path !== undefined && path === text) return path;
  context.issues.push({ code: 'custom', input: text, message: 'is no path' });
  return z.NEVER;
});

/** A user of the system. */
export const systemUser = z.strictObject({ user: z.string(), uid: z.int().min(0), gid: z.int().min(0) });

const timeMs = z.number().min(0);
const words = z.record(z.string(), z.json());

/** What a gate said. */
const outcome = z.strictObject({
  gate: z.string(),
  verdict: z.enum(['pass', 'refuse', 'failed']),
  detail: z
    .string()
    .optional()
    .transform((detail) => detail),
  durationMs: z.number(),
});

/** The upload as it is written down. */
export const uploadSchema = z.strictObject({
  /** 24 small hexadecimal digits. */
  id: z.string().regex(/^[0-9a-f]{24}$/),
  account: z.string(),
  /** The directory of this machine that is the account's root; absent where storage is elsewhere. */
  root: z.string().optional(),
  /** With whose rights its files are reached; absent where those are the gateway's own. */
  user: systemUser.optional(),
  /** The path that it was uploaded as, and is held for. */
  path: virtualPath,
  bytes: z.int().min(0),
  sha256: z.string(),
  startedMs: timeMs,
  arrivedMs: timeMs,
  verb: z.string(),
  /** How its data ended, and what is known of the TLS of both channels: as records have it. */
  channels: words,
  encryptedTo: z.array(z.string()),
  storedBytes: z.int().optional(),
  storedSha256: z.string().optional(),
  who: words,
  origin: words,
  collision: z.enum(['refuse', 'version', 'replace']),
  gates: z.array(z.string()),
  onRefused: z.enum(['quarantine', 'destroy']),
  /** Who may fetch its receipt. */
  receipts: z.enum(['account', 'operator']).default('account'),
  /** The deliveries that it is for, and the directory in which all files are handed on in their order. */
  deliver: z.array(z.string()).default([]),
  inbox: z.string().optional(),
  /** For how many days it is to be kept from its publication on. */
  retainDays: z.int().optional(),
});

/** See `uploadSchema`. */
export type Upload = z.output<typeof uploadSchema>;

/** An item as it outlives the process. */
export const intentSchema = z.strictObject({
  version: z.literal(1),
  /**
   * `arrived`: its client waits for an answer; `checking`: it was accepted, gates look at it behind the reply;
   * `quarantined`: an operator decides.
   */
  state: z.enum(['arrived', 'checking', 'quarantined']),
  /** When it came into its state. */
  sinceMs: timeMs,
  /** Records in the log when it was made: what the log says of it stands behind them. */
  logSize: z.int().min(0),
  /** Whether its bytes are held; otherwise storage cannot hold, and publishes them itself. */
  holds: z.boolean(),
  /** Which directory it is held in, as `FileFacts.unique` has it: another disk may be found under the same path. */
  directory: z.string().optional(),
  /** Whether the log says that it is quarantined; it may have been pruned since. */
  recorded: z.literal(true).optional(),
  /** The path that was chosen for it, where no log has that. */
  decided: virtualPath.optional(),
  /** Why it is quarantined. */
  reason: z.string().optional(),
  outcomes: z.array(outcome),
  upload: uploadSchema,
});

/** See `intentSchema`. */
export type Intent = z.output<typeof intentSchema>;

/** What a directory wants of an upload that goes into it. */
export type Terms = Pick<
  Upload,
  'collision' | 'gates' | 'onRefused' | 'receipts' | 'encryptedTo' | 'deliver' | 'inbox' | 'retainDays'
>;

/** Puts together what is known when the last byte has arrived. */
export function uploadOf(
  use: IntakeUse,
  facts: Pick<Upload, 'id' | 'root' | 'user' | 'path' | 'arrivedMs'> & {
    readonly arrival: Arrival;
    readonly terms: Terms;
  },
): Upload {
  const { session, account, verb } = use;
  const { arrival, terms, root, user, ...rest } = facts;
  const certificate = session.controlTls?.clientCertificate?.fingerprint;
  const { address, port } = session.peer;
  return {
    ...rest,
    ...(root === undefined ? {} : { root }),
    ...(user === undefined ? {} : { user }),
    account: account.name,
    ...{ bytes: arrival.bytes, sha256: arrival.sha256, startedMs: arrival.startedMs, verb },
    channels: defined({
      end: arrival.data && endOf(arrival.data),
      data_tls: tlsWords(arrival.data?.tls),
      control_tls: tlsWords(session.controlTls),
    }),
    who: defined({ account: account.name, certificate }),
    origin: defined({ address, port, session: session.id, host: session.host, client: session.clientName }),
    ...terms,
  };
}

/** What is written down of an upload in front of its being held. */
export function arrivedIntent(upload: Upload, facts: Pick<Intent, 'logSize' | 'holds' | 'directory'>): Intent {
  return { version: 1, state: 'arrived', sinceMs: upload.arrivedMs, ...facts, outcomes: [], upload };
}

/** In clear nothing says how data ended. */
function endOf({ tls, end }: NonNullable<Arrival['data']>): string | undefined {
  return tls === undefined ? undefined : end;
}

function tlsWords(tls: TlsFacts | undefined): Json | undefined {
  if (tls === undefined) return undefined;
  const { version, suite, group, resumed } = tls;
  return defined({ version, suite, group, resumed });
}

type Json = z.output<ReturnType<typeof z.json>>;

function defined(fields: Readonly<Record<string, Json | undefined>>): Record<string, Json> {
  const kept: Record<string, Json> = {};
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) kept[name] = value;
  return kept;
}
