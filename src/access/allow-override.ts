/** Which directives access files may hold: `allow_override`, ProFTPD's AllowOverride by name of directive. */
import { z } from 'zod';
import { defineDirective } from '../spi/directive.ts';

/** Names of directives in YAML's spelling or the program's; what handlers get is the program's. */
const directiveNames = z
  .array(
    z
      .string()
      .regex(/^[a-z][A-Za-z0-9_]{1,127}$/, { error: 'is no name of a directive' })
      .transform((name) => name.replace(/_([a-z0-9])/g, (_, first: string) => first.toUpperCase())),
  )
  .max(1_000);

/**
 * The directives that access files may hold, in a directory and below: by name, or all. The innermost place alone
 * decides, so that one directory can be shut again. Nothing is permitted where nobody says anything.
 */
export const allowOverride = defineDirective({
  name: 'allowOverride',
  help: 'Which directives the access files of directories may hold: a list of names, or all.',
  contexts: ['server', 'host', 'account', 'directory'],
  schema: z.union([z.literal('all'), directiveNames], { error: 'must be a list of names of directives, or all' }),
  initial: [],
});

/** Whether an access file may hold a directive. */
export function mayOverride(permitted: 'all' | readonly string[], name: string): boolean {
  return permitted === 'all' || permitted.includes(name);
}
