/** `intake`: what a directory is for, which files it takes, and what happens to them between their arrival and their publication. */
import { z } from 'zod';
import { nameGlobMistake } from '../protocol/name-glob.ts';
import { defineDirective } from '../spi/directive.ts';
import { parsePermissions } from '../spi/permissions.ts';
import { isRecipient } from './encryption/recipient.ts';
import { FILE_TYPE_NAMES } from './policy/file-types.ts';

/** What directories are for; see `profiles.ts` for what each one amounts to. */
export const PROFILE_NAMES = ['inbox', 'drop', 'outbox', 'exchange'] as const;

/** One of them. */
export type ProfileName = (typeof PROFILE_NAMES)[number];

/** A bound in bytes or files. */
const count = z.int().min(1).max(Number.MAX_SAFE_INTEGER);

/** Names of gates and deliveries, as they are listed at the top of the configuration. */
const partName = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, {
  error: 'must be 1 to 64 small letters, digits, - and _',
});

/** Patterns of names are few and short: every one is asked about each upload. */
const nameGlob = z
  .string()
  .max(256)
  .superRefine((glob, context) => {
    const mistake = nameGlobMistake(glob);
    if (mistake !== undefined) context.addIssue({ code: 'custom', message: mistake });
  });

/** The directive's value as it is written down: what is left out comes from the profile. */
export const intakeOptions = z.strictObject({
  /** What the directory is for. Without it the keys beside it are all that changes. */
  profile: z.enum(PROFILE_NAMES).optional(),
  /** Permission letters that the profile would take away, of those that the account has. */
  allow: z
    .string()
    .refine((text) => parsePermissions(text) !== undefined, { error: 'must be made of permission letters' })
    .optional(),
  /** Patterns, one of which the name of a file has to match: `*.edi`. Case does not matter. */
  names: z.array(nameGlob).min(1).max(1_000).optional(),
  /** Largest and smallest size of a file that is taken, in bytes. */
  bytesMax: count.optional(),
  bytesMin: count.optional(),
  /** Kinds of contents, one of which a file has to have, told by how it begins. */
  types: z
    .array(z.enum(FILE_TYPE_NAMES, { error: `must be one of ${FILE_TYPE_NAMES.join(', ')}` }))
    .min(1)
    .max(100)
    .optional(),
  /** How much all published files of the directory and what lies below it may amount to. */
  quotaBytes: count.optional(),
  quotaFiles: count.optional(),
  /** What happens when a file of the name is there: the new one is refused, gets another name, or takes its place. */
  collision: z.enum(['refuse', 'version', 'replace']).optional(),
  /** Whether an upload that did not arrive whole can be resumed, or is removed; goes before the account's. */
  onIncomplete: z.enum(['keep', 'remove']).optional(),
  /** For so many days from its publication on nobody may delete, overwrite, rename or change a file. */
  retainDays: z.int().min(1).max(36_500).optional(),
  /** The gates that a file has to pass. An empty list takes away what an outer place says. */
  gates: z.array(partName).max(32).optional(),
  /** Whether the client waits for the gates (226 and 550 tell their verdict), or is told 226 before them. */
  verdict: z.enum(['sync', 'async']).optional(),
  /** What becomes of a file that a gate refuses. */
  onRefused: z.enum(['quarantine', 'destroy']).optional(),
  /** Recipients (age1...) for whom files are encrypted before anything of them is written to the disk. */
  encryptTo: z
    .array(z.string().refine(isRecipient, { error: 'must be a public key of age (age1...), without a slip in it' }))
    .max(20)
    .optional(),
  /** The deliveries that a published file is handed on to. */
  deliver: z.array(partName).max(32).optional(),
  /** Who may fetch receipts of uploads: the account, or the operator alone, where those who share an account are strangers. */
  receipts: z.enum(['account', 'operator']).optional(),
  /** What the reply to an upload has of its receipt: where it is, the whole of it, or nothing. */
  receiptInReply: z.enum(['path', 'text', 'no']).optional(),
});

/** What one place says of intake. */
export type IntakeOptions = z.output<typeof intakeOptions>;

/** The directive. What an inner place says goes before what an outer one says, key by key. */
export const intakeDirective = defineDirective({
  name: 'intake',
  help: 'What a directory is for, which files it takes, and what happens to them before they are published.',
  contexts: ['server', 'host', 'account', 'directory'],
  schema: intakeOptions,
  initial: {},
  merge: (outer, inner) => ({ ...outer, ...inner }),
});
