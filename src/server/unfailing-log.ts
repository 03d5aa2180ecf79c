/** The program's log, made so that it cannot fail: what is written down must not decide what is done. */
import { aside } from '../lib/aside.ts';
import type { Log } from '../spi/log.ts';

/** The same log; what it throws, at once or by a promise, is dropped, for there is no other place to tell it. */
export function unfailing(log: Log): Log {
  const dropped = () => undefined;
  return {
    debug: (event, fields) => aside(() => log.debug(event, fields), dropped),
    info: (event, fields) => aside(() => log.info(event, fields), dropped),
    warn: (event, fields) => aside(() => log.warn(event, fields), dropped),
    error: (event, fields) => aside(() => log.error(event, fields), dropped),
    with: (fields) => {
      try {
        return unfailing(log.with(fields));
      } catch {
        return unfailing(log);
      }
    },
  };
}
