/** Finds letters that `intake.allow` means to give back to accounts that never had them: they give nothing. */
import { z } from 'zod';
import { accountTemplate, directoryOptions } from '../auth/users.ts';
import { isWithin, ROOT } from '../protocol/virtual-path.ts';
import { PERMISSION_LETTERS, type PermissionLetter, parsePermissions, permissionsAt } from '../spi/permissions.ts';
import type { KeyPath } from './key-names.ts';
import type { Problem } from './problem.ts';
import type { RuleSource } from './rule-warnings.ts';

/**
 * A warning for each `allow` of an account, and of its directories, with letters that the account has nowhere from there
 * down. What the server or a host says is for many accounts, of which some may have them.
 */
export function allowWarnings(source: RuleSource): readonly Problem[] {
  const { users, authentication } = sketch.parse(source.value);
  return [
    ...users.flatMap((account, index) => warningsOf(source, account, ['users', index])),
    ...authentication.flatMap((entry, index) =>
      warningsOf(source, entry.account, ['authentication', index, 'account']),
    ),
  ];
}

function warningsOf(source: RuleSource, account: Account | undefined, at: KeyPath): readonly Problem[] {
  if (account === undefined) return [];
  const places = [
    { path: ROOT, intake: account.intake, key: at },
    ...account.directories.map(({ path, intake }, index) => ({ path, intake, key: [...at, 'directories', index] })),
  ];
  const permitted = {
    permissions: account.permissions,
    directories: account.directories.flatMap(({ permissions, ...rule }) =>
      permissions === undefined ? [] : [{ ...rule, permissions }],
    ),
  };
  return places.flatMap(({ path, intake, key }) => {
    const below = permitted.directories.filter((rule) => isWithin(rule.path, path));
    const had = [permissionsAt(permitted, path), ...below.map(({ permissions }) => permissions)];
    const lacking = lettersOf(intake?.allow).filter((letter) => !had.some((letters) => letters.has(letter)));
    if (lacking.length === 0) return [];
    const message = `warning: gives nothing by ${lacking.join(' ')}, for the account's permissions have no such letter here`;
    return [source.problemAt([...key, 'intake', 'allow'], message)];
  });
}

function lettersOf(allow = ''): readonly PermissionLetter[] {
  return PERMISSION_LETTERS.filter((letter) => allow.includes(letter));
}

const intake = z.object({ allow: z.string().optional() }).optional().catch(undefined);

const letters = z.string().transform((text) => parsePermissions(text) ?? new Set<PermissionLetter>());

const { path, recursive } = directoryOptions.shape;

/** The parts that are looked at; an account that has another form than expected is left out, for the schema reports it. */
const account = z
  .object({
    permissions: accountTemplate.shape.permissions.pipe(letters),
    intake,
    directories: z.array(z.object({ path, recursive, permissions: letters.optional(), intake })).default([]),
  })
  .optional()
  .catch(undefined);

type Account = NonNullable<z.output<typeof account>>;

const sketch = z
  .object({
    users: z.array(account).default([]).catch([]),
    authentication: z.array(z.object({ account }).catch({})).default([]).catch([]),
  })
  .catch({ users: [], authentication: [] });
