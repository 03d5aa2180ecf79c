/**
 * What directories are for: each profile is a set of permission letters that it takes away and of choices that it makes
 * where the directive leaves them open. A profile never gives what the account has not.
 */
import type { VirtualPath } from '../../protocol/virtual-path.ts';
import { PERMISSION_LETTERS, type PermissionLetter, type Permitted, permissionsAt } from '../../spi/permissions.ts';
import type { IntakeOptions, ProfileName } from '../intake-directive.ts';
import type { FileTypeName } from './file-types.ts';

/** What the directive's keys amount to, whatever was written down: nothing is left open but bounds that there are not. */
export interface ResolvedIntake {
  readonly profile: ProfileName | undefined;
  /** The letters that the profile leaves to an account that has them; undefined without a profile, which leaves all. */
  readonly left: ReadonlySet<PermissionLetter> | undefined;
  /** Empty lists of names and types take everything. */
  readonly names: readonly string[];
  readonly types: readonly FileTypeName[];
  readonly bytesMax: number | undefined;
  readonly bytesMin: number | undefined;
  readonly quotaBytes: number | undefined;
  readonly quotaFiles: number | undefined;
  /** Undefined leaves it to the account. */
  readonly onIncomplete: 'keep' | 'remove' | undefined;
  readonly retainDays: number | undefined;
  readonly collision: 'refuse' | 'version' | 'replace';
  readonly gates: readonly string[];
  readonly verdict: 'sync' | 'async';
  readonly onRefused: 'quarantine' | 'destroy';
  /** Empty: files are not encrypted. */
  readonly encryptTo: readonly string[];
  readonly deliver: readonly string[];
  readonly receipts: 'account' | 'operator';
  readonly receiptInReply: 'path' | 'text' | 'no';
}

/** What one profile amounts to. */
interface Profile {
  /** The letters that it leaves. */
  readonly leaves: string;
  readonly collision: ResolvedIntake['collision'];
  readonly onIncomplete: 'keep' | 'remove' | undefined;
  readonly receipts?: 'operator';
  readonly receiptInReply: ResolvedIntake['receiptInReply'];
}

const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  // Write-only: what a partner sent is out of its hands, and it is told when a name is taken.
  inbox: { leaves: 'ew', collision: 'refuse', onIncomplete: 'keep', receiptInReply: 'path' },
  // Blind: several parties share it, so no reply and no receipt may tell one of what another has sent.
  drop: { leaves: 'ew', collision: 'version', onIncomplete: 'remove', receipts: 'operator', receiptInReply: 'no' },
  outbox: { leaves: 'elr', collision: 'refuse', onIncomplete: 'remove', receiptInReply: 'path' },
  exchange: {
    leaves: PERMISSION_LETTERS.join(''),
    collision: 'version',
    onIncomplete: undefined,
    receiptInReply: 'path',
  },
};

/** The directive with what the profile says filled in; without a profile, with what holds where there is no intake. */
export function resolvedIntake(options: IntakeOptions): ResolvedIntake {
  const profile = options.profile && PROFILES[options.profile];
  return {
    profile: options.profile,
    left: profile && lettersOf(`${profile.leaves}${options.allow ?? ''}`),
    names: options.names ?? [],
    types: options.types ?? [],
    bytesMax: options.bytesMax,
    bytesMin: options.bytesMin,
    quotaBytes: options.quotaBytes,
    quotaFiles: options.quotaFiles,
    collision: options.collision ?? profile?.collision ?? 'replace',
    onIncomplete: options.onIncomplete ?? profile?.onIncomplete,
    retainDays: options.retainDays,
    gates: options.gates ?? [],
    verdict: options.verdict ?? 'sync',
    onRefused: options.onRefused ?? 'quarantine',
    encryptTo: options.encryptTo ?? [],
    deliver: options.deliver ?? [],
    receipts: options.receipts ?? profile?.receipts ?? 'account',
    receiptInReply: options.receiptInReply ?? profile?.receiptInReply ?? 'path',
  };
}

/** The letters that hold at a directory: the account's own, as far as the profile leaves them. */
export function lettersUnder(
  account: Permitted,
  { left }: Pick<ResolvedIntake, 'left'>,
  directory: VirtualPath,
): ReadonlySet<PermissionLetter> {
  const own = permissionsAt(account, directory);
  return left === undefined ? own : own.intersection(left);
}

function lettersOf(text: string): ReadonlySet<PermissionLetter> {
  return new Set(PERMISSION_LETTERS.filter((letter) => text.includes(letter)));
}
