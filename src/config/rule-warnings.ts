/** What is right in the rules of a configuration and yet probably not meant: an operator should look at it once more. */
import { nameExpression, namesIn, negatedInOrList } from '../access/name-expression.ts';
import { COMMANDS } from '../commands/all.ts';
import type { Key, KeyPath } from './key-names.ts';
import type { Problem } from './problem.ts';

/** A part of a configuration that rules may be in, and how a place in it is pointed at. */
export interface RuleSource {
  readonly value: unknown;
  problemAt(path: KeyPath, message: string): Problem;
}

/** Warnings of every list `rules`, wherever it stands. `classes` are the names of the classes that there are. */
export function ruleWarnings(source: RuleSource, classes: readonly string[]): readonly Problem[] {
  return ruleLists(source.value, []).flatMap(({ path, rules }) =>
    rules.flatMap((rule, index) =>
      warningsOf(rule, classes).map(({ key, message }) =>
        source.problemAt([...path, index, key], `warning: ${message}`),
      ),
    ),
  );
}

/** Every list `rules` in a value, with its path. */
export function ruleLists(
  value: unknown,
  path: KeyPath,
): readonly { readonly path: KeyPath; readonly rules: readonly unknown[] }[] {
  if (typeof value !== 'object' || value === null) return [];
  const entries: readonly (readonly [Key, unknown])[] = Array.isArray(value)
    ? value.map((item, index) => [index, item])
    : Object.entries(value);
  return entries.flatMap(([key, inner]) =>
    key === 'rules' && Array.isArray(inner)
      ? [{ path: [...path, key], rules: inner }]
      : ruleLists(inner, [...path, key]),
  );
}

interface Warning {
  readonly key: string;
  readonly message: string;
}

/** Whatever else may be wrong with the rule has been said by its schema. */
function warningsOf(rule: unknown, classes: readonly string[]): readonly Warning[] {
  if (typeof rule !== 'object' || rule === null) return [];
  const written = new Map<string, unknown>(Object.entries(rule));
  return [...written].flatMap(([key, value]): Warning[] => {
    if (key === 'allow' || key === 'deny') return unknownVerbs(value).map((message) => ({ key, message }));
    if (key !== 'users' && key !== 'groups' && key !== 'classes') return [];
    const expression = nameExpression(key === 'groups' ? 'all' : 'any').safeParse(value).data;
    if (expression === undefined) return [];
    const absent = key === 'classes' ? namesIn(expression).filter((name) => !classes.includes(name)) : [];
    return [
      ...negatedInOrList(expression).map((term) => ({
        key,
        message: `${term} in an OR list is true for all but ${term.slice(1)}, and so is the whole list; { all: [...] } is an AND list`,
      })),
      ...absent.map((name) => ({ key, message: `there is no class ${name}` })),
    ];
  });
}

/** Whatever stands behind SITE is for SITE to know. */
function unknownVerbs(kinds: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(kinds) ? kinds : [kinds];
  return list.flatMap((kind) => {
    if (typeof kind !== 'string' || !/^[A-Z]/.test(kind)) return [];
    const verb = kind.split(' ')[0] ?? '';
    return VERBS.has(verb) ? [] : [`there is no command ${verb} unless a program adds it`];
  });
}

const VERBS: ReadonlySet<string> = new Set(COMMANDS.flatMap(({ verb, aliases = [] }) => [verb, ...aliases]));
