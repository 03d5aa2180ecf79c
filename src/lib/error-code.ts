/** What an error says by its code: the system's (`ENOENT`), Node's (`ERR_INVALID_ARG_TYPE`) or OpenSSL's (`ERR_SSL_…`). */

/** The code of an error; undefined where it has none. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Whether an error has one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  const code = errorCode(error);
  return code !== undefined && codes.includes(code);
}

/**
 * What comes of an operation on a file; undefined when there is no such file.
 *
 * @param alsoMissing further codes that say so here, as `ENOTDIR` does of a path through a file.
 * @throws its other errors.
 */
export async function ifThere<T>(operation: Promise<T>, ...alsoMissing: readonly string[]): Promise<T | undefined> {
  try {
    return await operation;
  } catch (error) {
    if (hasCode(error, 'ENOENT', ...alsoMissing)) return undefined;
    throw error;
  }
}
