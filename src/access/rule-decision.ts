/** What rules say to one question: who asks, to do what, where. The one place that decides; `explain` asks it too. */
import type { VirtualPath } from '../protocol/virtual-path.ts';
import { asciiUpper } from '../protocol/words.ts';
import type { CommandClass, CommandTraits } from '../spi/command.ts';
import { matches } from './name-expression.ts';
import { globMatches } from './path-glob.ts';
import { kindsIn, type Rule } from './rules.ts';

/** Who asks. */
export interface Subject {
  /** Undefined before login: rules that name users or groups are about nobody then. */
  readonly user: string | undefined;
  readonly groups: readonly string[];
  readonly classes: readonly string[];
}

/** What is asked of the rules. */
export interface Question extends Subject {
  /** The words by which rules may name what is done: `all`, its class, its verb. */
  readonly kinds: readonly string[];
  /** Undefined for what touches no file: rules with paths are not about it. */
  readonly path: VirtualPath | undefined;
}

/** Why a rule is not about a question: the first of its conditions that fails. */
export type Mismatch = 'kind' | 'path' | 'user' | 'group' | 'class';

/** What the rules say. `none`: no rule fits, and the permission letters alone decide. */
export interface Decision {
  readonly verdict: 'allow' | 'deny' | 'none';
  /** The rules that were asked, in order; the last one has decided unless the verdict is `none`. */
  readonly asked: readonly { readonly rule: Rule; readonly mismatch: Mismatch | undefined }[];
}

/** Asks the rules in their order; the first that fits decides. */
export function decide(rules: readonly Rule[], question: Question): Decision {
  const asked: { rule: Rule; mismatch: Mismatch | undefined }[] = [];
  for (const rule of rules) {
    const found = mismatch(rule, question);
    asked.push({ rule, mismatch: found });
    if (found === undefined) return { verdict: rule.allow === undefined ? 'deny' : 'allow', asked };
  }
  return { verdict: 'none', asked };
}

/** What an operation does to files, whatever command asks for it. */
export type Effect = Extract<CommandClass, 'info' | 'directories' | 'read' | 'write'>;

/**
 * The kinds of everything that a command does when it has this effect. Who may not read must not read by way of a
 * command of another class (CPTO), and so an effect that reads or writes is asked about under its own class too.
 */
export function kindsOfEffect(
  command: CommandTraits,
  argument: string,
  effect: Effect,
): readonly (readonly string[])[] {
  const own = kindsOfCommand(command, argument);
  const isOther = effect !== command.class && (effect === 'read' || effect === 'write');
  return isOther ? [own, own.map((kind) => (kind === command.class ? effect : kind))] : [own];
}

/** The kinds that a command is of: all of those for members, its class, its verb, and what stands behind SITE. */
export function kindsOfCommand(command: CommandTraits, argument: string): readonly string[] {
  const { verb, aliases = [], class: commandClass, who } = command;
  const word = /^\S+/.exec(argument)?.[0];
  return [
    ...(who === 'members' ? ['all'] : []),
    commandClass,
    verb,
    ...aliases,
    // The two are one operation, of which the first one does nothing yet.
    ...(verb === 'RNTO' ? ['RNFR'] : []),
    // Some commands stand behind SITE as well (CPTO): who denies the one denies both.
    ...(verb === 'SITE' && word !== undefined ? siteNames(asciiUpper(word)) : []),
  ];
}

function siteNames(verb: string): readonly string[] {
  return [`SITE ${verb}`, verb];
}

/** The kinds of logging in: it is no command, but what comes of several. */
export const LOGIN_KINDS: readonly string[] = ['login'];

function mismatch(rule: Rule, { kinds, path, user, groups, classes }: Question): Mismatch | undefined {
  if (!kindsIn(rule).some((kind) => kinds.includes(kind))) return 'kind';
  if (rule.paths !== undefined && (path === undefined || !rule.paths.some((glob) => globMatches(glob, path)))) {
    return 'path';
  }
  if (rule.users !== undefined && (user === undefined || !matches(rule.users, (name) => name === user))) return 'user';
  if (rule.groups !== undefined && (user === undefined || !matches(rule.groups, (name) => groups.includes(name)))) {
    return 'group';
  }
  if (rule.classes !== undefined && !matches(rule.classes, (name) => classes.includes(name))) return 'class';
  return undefined;
}
