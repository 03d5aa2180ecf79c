/** The audit log: whether it is needed, what it is called, which key signs it, and how long its records are kept. */
import { z } from 'zod';
import { requirement } from '../auth/users.ts';

/** The public key of a log or a witness, in the form of a vkey: `<name>+<id>+<base64>` (C2SP signed-note). */
const vkey = z
  .string()
  .max(1_000)
  .regex(/^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]{8,}={0,2}$/, {
    error: 'must be a key of the form name+id+base64 (a vkey)',
  });

/** What can be said of the audit log. It lies in `<state_directory>/audit`; a gateway without a state directory has none. */
export const auditOptions = z.strictObject({
  /**
   * Whether the gateway works only while the log can be written: `required` refuses logins and everything that takes, gives
   * or changes files otherwise, `preferred` goes on and says so loudly, `off` writes none.
   */
  requirement: requirement.default('required'),
  /** The log's name, which stands in every checkpoint and receipt and is never to change. By default from the name of the machine. */
  origin: z
    .string()
    .min(1)
    .max(255)
    .regex(/^[^\s+\p{Cc}]+$/u, { error: 'must be without spaces and without +, such as ftp.example.com/sallyport' })
    .optional(),
  /** The Ed25519 key that signs the log, PEM; made where there is none. By default `audit.key` in the state directory. */
  keyFile: z.string().min(1).max(4_096).optional(),
  /** Days after which records are dropped; without it they are kept for ever. Their hashes stay, so that the rest can be verified. */
  retainDays: z.int().min(1).max(36_500).optional(),
  /** How often a checkpoint is signed while records are written, at the latest. */
  checkpointMs: z.int().min(10).max(3_600_000).default(1_000),
  /** Keys of the witnesses whose cosignatures are accepted beside the log's own signature. */
  witnesses: z.array(vkey).max(100).default([]),
});

/** The options, checked. */
export type AuditOptions = z.output<typeof auditOptions>;
