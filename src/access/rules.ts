/**
 * Rules: who may give which commands where (ProFTPD's Limit and Directory). They come on top of the permission letters
 * and never give more than those do: a rule that allows ends the search, and one that denies refuses.
 */
import { z } from 'zod';
import type { CommandClass } from '../spi/command.ts';
import { defineDirective } from '../spi/directive.ts';
import { formatExpression, nameExpression } from './name-expression.ts';
import { globMistake } from './path-glob.ts';

/** The classes of commands, which rules name so that they cover verbs that are added later. */
export const COMMAND_CLASSES = [
  'auth',
  'security',
  'info',
  'directories',
  'read',
  'write',
  'misc',
] as const satisfies readonly CommandClass[];

/** What a kind can be besides a class and a verb: `all` is every command for members, `login` is logging in. */
const OTHER_KINDS = ['all', 'login'] as const;

const kind = z.string().refine((text) => isWord(text) || isVerb(text), {
  error: `must be ${[...COMMAND_CLASSES, ...OTHER_KINDS].join(', ')}, or a verb in capitals such as STOR or SITE CHMOD`,
});

/** One kind may stand without a list. */
const kinds = z.preprocess(listed, z.array(kind).min(1).max(200));

const glob = z.string().superRefine((text, context) => {
  const message = globMistake(text);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});

/** One rule: what it allows or denies, and when it is the one that decides. */
export const ruleOptions = z
  .strictObject({
    /** Kinds of commands that stay as the permission letters have them, whatever rules behind this one say. */
    allow: kinds.optional(),
    /** Kinds of commands that are refused. */
    deny: kinds.optional(),
    /** The paths that it is about, as clients see them; without it all, and what touches no file besides. */
    paths: z.preprocess(listed, z.array(glob).min(1).max(1_000)).optional(),
    /** The users that it is about; a plain list is an OR list. */
    users: nameExpression('any').optional(),
    /** The groups that it is about; a plain list is an AND list, since a user may be in several. */
    groups: nameExpression('all').optional(),
    /** The classes of sessions that it is about; a plain list is an OR list. */
    classes: nameExpression('any').optional(),
  })
  .superRefine(requireOneVerdict);

/** A rule, checked. */
export type Rule = z.output<typeof ruleOptions>;

/** The directive `rules`. Those of inner places are asked before those of outer ones, and in one place from the top. */
export const rulesDirective = defineDirective({
  name: 'rules',
  help: 'Who may give which commands where: the first rule that fits decides, the innermost place first.',
  contexts: ['server', 'host', 'class', 'account', 'directory', 'accessFile'],
  schema: z.array(ruleOptions).max(1_000),
  initial: [],
  merge: (outer, inner) => [...inner, ...outer],
});

/** The kinds that a rule is about. */
export function kindsIn({ allow, deny }: Rule): readonly string[] {
  return allow ?? deny ?? [];
}

/** The rule on one line, as operators read it: `deny write at /in/** for users alice OR bob`. */
export function formatRule(rule: Rule): string {
  const people = (['users', 'groups', 'classes'] as const).flatMap((key) => {
    const expression = rule[key];
    return expression === undefined ? [] : [`${key} ${formatExpression(expression)}`];
  });
  return [
    `${rule.allow === undefined ? 'deny' : 'allow'} ${kindsIn(rule).join(', ')}`,
    ...(rule.paths === undefined ? [] : [`at ${rule.paths.join(', ')}`]),
    ...(people.length === 0 ? [] : [`for ${people.join(' and ')}`]),
  ].join(' ');
}

/** Whether a kind is the name of a verb, which there may or may not be. */
function isVerb(text: string): boolean {
  return /^[A-Z][A-Z0-9]{1,15}(?: [A-Z][A-Z0-9]{0,15})?$/.test(text);
}

function isWord(text: string): boolean {
  return [...COMMAND_CLASSES, ...OTHER_KINDS].some((word) => word === text);
}

function listed(written: unknown): unknown {
  return typeof written === 'string' ? [written] : written;
}

function requireOneVerdict(rule: { allow?: unknown; deny?: unknown }, context: z.RefinementCtx): void {
  if ((rule.allow === undefined) !== (rule.deny === undefined)) return;
  context.addIssue({ code: 'custom', message: 'needs either allow or deny' });
}
