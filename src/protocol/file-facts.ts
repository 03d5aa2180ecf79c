/** What is known of a file, whichever storage holds it. */

/** A file's facts; times are milliseconds since 1970 (UTC). */
export interface FileFacts {
  readonly kind: 'file' | 'directory' | 'other';
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /**
   * When its contents or its facts last changed, which nobody can set (ctime); undefined where storage does not know.
   */
  readonly changedMs?: number;
  /** When the file was made; undefined where storage does not know. */
  readonly createdMs?: number;
  /** Unix permission bits, 0 to 0o7777. */
  readonly mode: number;
  readonly linkCount: number;
  readonly owner: number;
  readonly group: number;
  /** The same for two names of one file and different for two files (RFC 3659 section 7.5.2, fact `unique`). */
  readonly unique: string;
}

/** In place of facts that were not asked for. */
export const UNASKED: FileFacts = {
  kind: 'other',
  sizeBytes: 0,
  modifiedMs: 0,
  mode: 0,
  linkCount: 1,
  owner: 0,
  group: 0,
  unique: '',
};

/** A file's facts and the name it has in its directory. */
export interface DirectoryEntry extends FileFacts {
  readonly name: string;
}
