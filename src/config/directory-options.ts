/** Sections of directories: what modules may be told of one directory, and of everything below it. */
import { z } from 'zod';
import { directoryOptions } from '../auth/users.ts';
import type { Directive } from '../spi/directive.ts';
import { directiveKeys } from './directive-keys.ts';
import { refuseSamePath } from './option-checks.ts';

/** The name of access files. It is compared without regard to case, since some storage has none. */
export const accessFile = z
  .string()
  .regex(/^(?!\.{1,2}$)[^/\\:\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,64}$/u, { error: 'must be a name of 1 to 64 characters' })
  .default('.ftpaccess');

const { path, recursive } = directoryOptions.shape;

/** The sections of directories at the top of the configuration and in hosts. Permissions belong to accounts. */
export function sectionsWith(directives: readonly Directive[]) {
  const section = z
    .strictObject({ path, recursive, ...directiveKeys('directory', directives) })
    .superRefine(refuseEmptySection, IF_NOTHING_ELSE);
  return z.array(section).max(1_000).superRefine(refuseSamePath).default([]);
}

/** The sections of directories in accounts, which also say what the account may do there. */
export function accountSectionsWith(directives: readonly Directive[]) {
  const section = directoryOptions
    .safeExtend({ ...directiveKeys('directory', directives) })
    .superRefine(refuseEmptySection, IF_NOTHING_ELSE);
  return z.array(section).max(1_000).superRefine(refuseSamePath).default([]);
}

/** What is wrong in other ways was meant to say something. */
const IF_NOTHING_ELSE = { when: ({ issues }: z.core.ParsePayload) => issues.length === 0 };

/** A section that says nothing was meant to say something: to take it for nothing could leave a directory open. */
function refuseEmptySection(section: object, context: z.RefinementCtx): void {
  const said = Object.entries(section).filter(([key, value]) => !(key in { path, recursive }) && value !== undefined);
  if (said.length > 0) return;
  context.addIssue({ code: 'custom', message: 'says nothing of the directory' });
}
