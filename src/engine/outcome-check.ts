/**
 * Whether what a handler answers is an outcome as the contract says. Types say it already; code that was not type-checked
 * may answer anything, and what is no reply cannot be sent, what is no change cannot be made.
 */
import { FACT_NAMES } from '../protocol/facts.ts';
import { type Reply, replyLine } from '../protocol/reply.ts';
import type { Outcome } from '../spi/command.ts';
import { HASH_ALGORITHMS, type SessionChange } from '../spi/session.ts';
import { isAccount, isPath, partOf } from './account-check.ts';

/** The codes that a reply may have: preliminary ones, final ones, and those of failures among them. */
export const CODES = { preliminary: [100, 199], final: [200, 599], failure: [400, 599] } as const;

/** The outcome, safe to send and to apply. @throws TypeError naming `who` when it is none. */
export function checkedOutcome(outcome: unknown, who: string): Outcome {
  const reply = checkedReply(partOf(outcome, 'reply'), 'final', who);
  const change = partOf(outcome, 'change');
  if (change === undefined) return { reply };
  if (!isChange(change)) throw new TypeError(`${who} asks for a change of the session that there is not`);
  return { reply, change };
}

/** The reply, no line of which can forge another. @throws TypeError naming `who` when it is none with such a code. */
export function checkedReply(reply: unknown, codes: keyof typeof CODES, who: string): Reply {
  const code = partOf(reply, 'code');
  const lines = partOf(reply, 'lines');
  const [least, most] = CODES[codes];
  if (typeof code === 'number' && Number.isInteger(code) && code >= least && code <= most) {
    if (Array.isArray(lines) && lines.length > 0) return { code, lines: lines.map((line) => checkedLine(line, who)) };
  }
  throw new TypeError(`${who} gives what is no reply with a code from ${least} to ${most} and at least one line`);
}

/** A line of a reply. @throws TypeError naming `who` when it is no text. */
export function checkedLine(line: unknown, who: string): string {
  if (typeof line !== 'string') throw new TypeError(`${who} gives a line of a reply that is no text`);
  return replyLine(line);
}

function isChange(change: unknown): change is SessionChange {
  const kind = partOf(change, 'kind');
  const known = Object.entries<Readonly<Record<string, Check>>>(CHANGES).find(([name]) => name === kind);
  return known !== undefined && Object.entries(known[1]).every(([part, isRight]) => isRight(partOf(change, part)));
}

type Check = (part: unknown) => boolean;

/** What each change is made of. */
const CHANGES: { readonly [K in SessionChange['kind']]: PartsOf<Extract<SessionChange, { kind: K }>> } = {
  StartTls: { protection: oneOf('C', 'P') },
  SeePbsz: {},
  SetProtection: { level: oneOf('C', 'P') },
  NameUser: { user: isText },
  LogIn: { account: isAccount, by: oneOf(undefined, 'password', 'certificate') },
  FailLogin: {},
  Reinitialise: {},
  ChangeDirectory: { path: isPath },
  SetType: { type: oneOf('A', 'I') },
  SetRestart: { offsetBytes: isCount },
  SetRange: { range: (part) => part === undefined || isRange(part) },
  SetMode: { mode: oneOf('S', 'Z') },
  SetDeflateLevel: { level: (part) => isCount(part) && Number(part) <= 9 },
  SetHashAlgorithm: { algorithm: oneOf(...HASH_ALGORITHMS) },
  SetHost: { host: isText, keepsCertificate: isBoolean },
  SetClientName: { name: isText, verb: isText },
  SetCopyFrom: { path: isPath },
  SetRenameFrom: { path: isPath },
  SetEpsvAll: {},
  SetMlstFacts: { facts: (part) => Array.isArray(part) && part.every(oneOf(...FACT_NAMES)) },
  AskUtf8: { asked: isBoolean },
  Close: {},
};

type PartsOf<Change> = { readonly [Part in Exclude<keyof Change, 'kind'>]-?: Check };

function oneOf(...values: readonly unknown[]): Check {
  return (part) => values.includes(part);
}

function isText(part: unknown): boolean {
  return typeof part === 'string';
}

function isCount(part: unknown): boolean {
  return typeof part === 'number' && Number.isSafeInteger(part) && part >= 0;
}

function isRange(part: unknown): boolean {
  return isCount(partOf(part, 'startBytes')) && isCount(partOf(part, 'endBytes'));
}

function isBoolean(part: unknown): boolean {
  return typeof part === 'boolean';
}
