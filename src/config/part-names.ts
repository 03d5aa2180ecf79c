/** Names by which directories ask for what is listed elsewhere: a misspelt one would leave a check out, or a file behind. */
import { z } from 'zod';
import { closest, type Key, type KeyPath } from './key-names.ts';
import type { Finding } from './reality.ts';

/** The keys of `intake` that hold such names, and what each one names. */
export const PART_KINDS = { gates: 'gate', deliver: 'delivery' } as const;

/** One of those keys. */
export type PartKey = keyof typeof PART_KINDS;

/** The names in every `intake`, wherever it stands, that are not among the known ones. The value need not be valid otherwise. */
export function partNameFindings(value: unknown, key: PartKey, known: readonly string[]): Finding[] {
  return intakesIn(value).flatMap(({ path, intake }) =>
    words.parse(intake[key]).flatMap((name, index) => {
      if (name === undefined || known.includes(name)) return [];
      const meant = closest(name, known);
      const message = `there is no ${PART_KINDS[key]} ${name}${meant === undefined ? '' : `; did you mean ${meant}?`}`;
      return [{ path: [...path, key, index], message }];
    }),
  );
}

/** The names of a list of things that have one; what has none, or another form, counts as absent. */
export function listedNames(list: unknown): readonly string[] {
  return named.parse(list).flatMap(({ name }) => name ?? []);
}

/** What is no text has been said by the schema. */
const words = z.array(z.string().optional().catch(undefined)).catch([]);
const named = z.array(z.object({ name: z.string().optional().catch(undefined) }).catch({})).catch([]);

/** Every section `intake` in a value, with its path. */
export function intakesIn(
  value: unknown,
  path: KeyPath = [],
): readonly { readonly path: KeyPath; readonly intake: Readonly<Record<string, unknown>> }[] {
  if (typeof value !== 'object' || value === null) return [];
  const entries: readonly (readonly [Key, unknown])[] = Array.isArray(value)
    ? value.map((item, index) => [index, item])
    : Object.entries(value);
  return entries.flatMap(([key, inner]) =>
    key === 'intake' && typeof inner === 'object' && inner !== null
      ? [{ path: [...path, key], intake: { ...inner } }]
      : intakesIn(inner, [...path, key]),
  );
}
