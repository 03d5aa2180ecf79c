/** What a configuration file can say and a program says otherwise: which other files belong to it. */
import { z } from 'zod';
import type { Directive } from '../spi/directive.ts';
import { type FILE_KEYS, gatewayOptionsWith } from './options.ts';

const names = z.array(z.string().min(1).max(4_096)).max(1_000).default([]);

/** The schema of a configuration file. */
export function fileOptionsWith(directives: readonly Directive[]) {
  return gatewayOptionsWith(directives).safeExtend({
    /** Files to read as well, as patterns relative to the file in which they stand. */
    include: names,
    /** Files or packages with modules. */
    modules: names,
  } satisfies Record<(typeof FILE_KEYS)[number], z.ZodType>);
}
