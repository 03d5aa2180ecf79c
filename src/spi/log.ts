/** What the gateway tells its operator; `server/logger.ts` gives it to pino. */

/** The fields of a log entry. Secrets are `Secret`s, text from clients goes in as it is: the logger escapes it. */
export type LogFields = Readonly<Record<string, unknown>>;

/** A log. `event` is a short constant such as `login.refused`; what varies goes into the fields. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** The same log with these fields in every entry. */
  with(fields: LogFields): Log;
}

/** A log that keeps nothing. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => silentLog,
};
