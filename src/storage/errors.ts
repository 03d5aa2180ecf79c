/** What the operating system's error codes mean to a client: the one place where they become `Fault`s. */
import { constants } from 'node:os';
import { errorCode } from '../lib/error-code.ts';
import { Fault, type FaultKind } from '../spi/fault.ts';

const KINDS: Readonly<Record<string, FaultKind>> = {
  ENOENT: 'NoSuchFile',
  // A chain of symlinks without an end names nothing.
  ELOOP: 'NoSuchFile',
  ENOTDIR: 'NotADirectory',
  EISDIR: 'NotAFile',
  // What opening a socket says.
  ENXIO: 'NotAFile',
  EACCES: 'PermissionDenied',
  EPERM: 'PermissionDenied',
  EROFS: 'PermissionDenied',
  EEXIST: 'FileExists',
  ENOTEMPTY: 'DirectoryNotEmpty',
  ENAMETOOLONG: 'BadName',
  EILSEQ: 'BadName',
  EBUSY: 'FileBusy',
  ETXTBSY: 'FileBusy',
  ENOSPC: 'StorageFull',
  EDQUOT: 'StorageFull',
  EFBIG: 'QuotaExceeded',
};

/** Texts for failures whose kind alone would puzzle a client. */
const TEXTS: Readonly<Record<string, { readonly kind: FaultKind; readonly text: string }>> = {
  // Not `Busy`: that one ends the connection, and the next command may well succeed.
  EMFILE: { kind: 'FileBusy', text: 'The server has too many files open; try again later.' },
  ENFILE: { kind: 'FileBusy', text: 'The server has too many files open; try again later.' },
  EXDEV: { kind: 'Local', text: 'The two names are on different file systems; copy the file instead.' },
};

/**
 * The fault that an error stands for, with the error as its cause: a system error by its code (`Local` for a code
 * without a meaning for clients), anything else, a fault or a bug, as it is.
 */
export function asFault(error: unknown): unknown {
  const code = codeOf(error);
  if (code === undefined) return error;
  const special = TEXTS[code];
  if (special !== undefined) return new Fault(special.kind, { cause: error, text: special.text });
  return new Fault(KINDS[code] ?? 'Local', { cause: error });
}

/** Runs a file operation, turning the system errors that it throws into faults. */
export async function translated<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw asFault(error);
  }
}

/** Whether the error is a fault of one of these kinds. */
export function isFault(error: unknown, ...kinds: readonly FaultKind[]): boolean {
  return error instanceof Fault && kinds.includes(error.kind);
}

/** Node's own complaints (`ERR_INVALID_ARG_VALUE`) are mistakes of ours, not of the disk. */
function codeOf(error: unknown): string | undefined {
  const code = errorCode(error);
  if (code === undefined || code.startsWith('ERR_')) return undefined;
  // libuv has no name for this one, so Node gives "Unknown system error -122" as its code.
  const isOverQuota = error instanceof Error && 'errno' in error && error.errno === -constants.errno.EDQUOT;
  return isOverQuota ? 'EDQUOT' : code;
}
