/** The options as a table, read from the schema itself: what `docs/defaults.md` must agree with. */
import { z } from 'zod';
import { accountKeys, entryKeys, totpKeys } from '../../src/auth/entry-options.ts';
import { contextNames } from '../../src/config/directive-keys.ts';
import { toSnakeCase } from '../../src/config/key-names.ts';
import { deliveryKeys } from '../../src/delivery/way.ts';
import { gateKeys } from '../../src/intake/gates/gate-keys.ts';
import type { Directive } from '../../src/spi/directive.ts';

/** One key: its path, its default as YAML writes it, and its bounds when they are a range or a choice. */
export interface DescribedOption {
  readonly key: string;
  readonly default: string;
  readonly bounds: string | undefined;
}

/**
 * Every key of the options. What an entry of `authentication` says of accounts as an account of `users` does is left out:
 * the page describes it there.
 */
export function describeOptions(schema: z.core.$ZodType): DescribedOption[] {
  const options = describe(schema, '');
  const known = new Set(options.map((option) => JSON.stringify(option)));
  return options.filter(({ key, ...rest }) => {
    const inAccount = /^authentication\[\w*\]\.account\.(.+)$/.exec(key)?.[1];
    return inAccount === undefined || !known.has(JSON.stringify({ key: `users[].${inAccount}`, ...rest }));
  });
}

/** A directive, or the keys that it has; `where` are the contexts in which it may be written. */
export function describeDirective(directive: Directive): (DescribedOption & { readonly where: string })[] {
  const key = toSnakeCase(directive.name);
  return describe(directive.schema, key).map((option) => ({
    ...option,
    ...(option.key === key && { default: directive.initial === '' ? 'none' : written(directive.initial) }),
    where: contextNames(directive),
  }));
}

function describe(schema: z.core.$ZodType, key: string): DescribedOption[] {
  let inner = schema;
  let fallback = 'must be given';
  for (;;) {
    if (inner instanceof z.ZodDefault) fallback = written(inner.def.defaultValue);
    else if (inner instanceof z.ZodOptional) fallback = 'none';
    else if (inner instanceof z.ZodPrefault) fallback = written(inner.def.defaultValue);
    else break;
    inner = inner.unwrap();
  }
  if (inner instanceof z.ZodObject) {
    const prefix = key === '' ? '' : `${key}.`;
    return Object.entries(inner.shape).flatMap(([name, option]) => describe(option, prefix + toSnakeCase(name)));
  }
  const own = { key, default: fallback, bounds: boundsOf(inner) };
  if (inner instanceof z.ZodArray) return [own, ...describeElement(inner.element, key)];
  return inner instanceof z.ZodUnion ? [own, ...inner.options.flatMap((option) => describeKeys(option, key))] : [own];
}

/** The keys of those things in a union that have keys. */
function describeKeys(option: z.core.$ZodType, key: string): DescribedOption[] {
  return option instanceof z.ZodObject ? describe(option, key) : [];
}

function describeElement(element: z.core.$ZodType, key: string): DescribedOption[] {
  if (element instanceof z.ZodDiscriminatedUnion) {
    return describeEntries(element.options, { key, by: element.def.discriminator });
  }
  return describeKeys(element, `${key}[]`);
}

/** The keys that entries of several types share, by the list that they are in. */
const SHARED: Readonly<Record<string, readonly string[]>> = {
  authentication: Object.keys({ ...entryKeys, ...totpKeys, ...accountKeys }).map(toSnakeCase),
  gates: Object.keys(gateKeys).map(toSnakeCase),
  deliveries: Object.keys(deliveryKeys).map(toSnakeCase),
};

/** Entries of several types: what they share is `list[].key`, what only one has is `list[type].key`. */
function describeEntries(
  entries: readonly z.core.$ZodType[],
  { key, by }: { readonly key: string; readonly by: string },
): DescribedOption[] {
  const shared = new Map<string, string>();
  const types: string[] = [];
  const rows = entries.flatMap((entry) => {
    const literal: unknown = entry instanceof z.ZodObject ? entry.shape[by] : undefined;
    const type = literal instanceof z.ZodLiteral ? String(literal.value) : '';
    types.push(type);
    return describeKeys(entry, '').flatMap((option) => {
      if (option.key === by) return [];
      const text = JSON.stringify(option);
      const seen = shared.get(option.key);
      if (!SHARED[key]?.includes(option.key.replace(/[.[].*/, '')))
        return [{ ...option, key: `${key}[${type}].${option.key}` }];
      if (seen === text) return [];
      if (seen !== undefined) return [{ ...option, key: `${key}[${type}].${option.key}` }];
      shared.set(option.key, text);
      return [{ ...option, key: `${key}[].${option.key}` }];
    });
  });
  return [{ key: `${key}[].${by}`, default: 'must be given', bounds: types.join(', ') }, ...rows];
}

function boundsOf(schema: z.core.$ZodType): string | undefined {
  if (schema instanceof z.ZodNumber) return `${schema.minValue} to ${schema.maxValue}`;
  if (schema instanceof z.ZodEnum) return schema.options.join(', ');
  if (schema instanceof z.ZodBoolean) return 'true, false';
  return undefined;
}

function written(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  // Text that YAML would take for something else is quoted.
  return /^\d+$/.test(value) ? `'${value}'` : value;
}
