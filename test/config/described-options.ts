/** The options as a table, read from the schema itself: what `docs/defaults.md` must agree with. */
import { z } from 'zod';
import { toSnakeCase } from '../../src/config/key-names.ts';

/** One key: its path, its default as YAML writes it, and its bounds when they are a range or a choice. */
export interface DescribedOption {
  readonly key: string;
  readonly default: string;
  readonly bounds: string | undefined;
}

/** Every key below a schema. */
export function describeOptions(schema: z.core.$ZodType, key = ''): DescribedOption[] {
  let inner = schema;
  let fallback = 'must be given';
  for (;;) {
    if (inner instanceof z.ZodDefault) fallback = written(inner.def.defaultValue);
    else if (inner instanceof z.ZodOptional) fallback = 'none';
    else if (!(inner instanceof z.ZodPrefault)) break;
    inner = inner.unwrap();
  }
  if (inner instanceof z.ZodObject) {
    const prefix = key === '' ? '' : `${key}.`;
    return Object.entries(inner.shape).flatMap(([name, option]) => describeOptions(option, prefix + toSnakeCase(name)));
  }
  const own = { key, default: fallback, bounds: boundsOf(inner) };
  return inner instanceof z.ZodArray ? [own, ...describeElement(inner.element, `${key}[]`)] : [own];
}

function describeElement(element: z.core.$ZodType, key: string): DescribedOption[] {
  return element instanceof z.ZodObject ? describeOptions(element, key) : [];
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
