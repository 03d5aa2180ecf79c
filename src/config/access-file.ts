/** The text of an access file: directives that hold in the directory where it is, and below. */
import { z } from 'zod';
import { mayOverride } from '../access/allow-override.ts';
import type { Directive } from '../spi/directive.ts';
import { directiveKeys } from './directive-keys.ts';
import { inOrder, type Problem } from './problem.ts';
import { validate } from './validate.ts';
import { parseYaml } from './yaml-source.ts';

/** What an access file says, or what is wrong with it. */
export type AccessFileText =
  | {
      readonly ok: true;
      /** By the names of directives. */
      readonly settings: Readonly<Record<string, unknown>>;
      /** Mistakes that depend on who asks: what may not be written here for them (`allow_override`). */
      refusedBy(permitted: 'all' | readonly string[]): readonly Problem[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Makes the function that checks access files against these directives. */
export function accessFileReader(directives: readonly Directive[]): (file: string, text: string) => AccessFileText {
  const schema: z.ZodType<Record<string, unknown>> = z.strictObject(directiveKeys('accessFile', directives));
  return (file, text) => {
    const source = parseYaml(file, text);
    const checked = source.sound ? validate(source, schema, { directives }) : undefined;
    const problems = [...source.problems, ...(checked === undefined || checked.ok ? [] : checked.problems)];
    if (checked?.ok !== true || problems.length > 0) return { ok: false, problems: inOrder(problems) };
    const settings = checked.value;
    return {
      ok: true,
      settings,
      refusedBy: (permitted) =>
        Object.keys(settings)
          .filter((name) => !mayOverride(permitted, name))
          .map((name) => source.problemAt([name], 'is not permitted here by allow_override', 'key')),
    };
  };
}
