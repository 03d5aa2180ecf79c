/** FIPS mode of this process's OpenSSL: whether it is on, and switching it on where a whole process may be decided about. */
import { createHash, getFips, setFips } from 'node:crypto';

/**
 * `on`: only approved algorithms, of a FIPS provider, can be used. `off`: all of them can. `hollow`: they are asked for, but
 * there is no provider that has them, so that nothing works; Node reports no error when it is brought into that state.
 */
export type FipsMode = 'on' | 'off' | 'hollow';

/** The mode that the process is in. */
export function fipsMode(): FipsMode {
  if (getFips() !== 1) return 'off';
  return canHash() ? 'on' : 'hollow';
}

/**
 * Switches FIPS mode on, for everything that the process does. It is for whoever owns the process: a library must not
 * call it.
 *
 * @returns whether it is on now; where there is no FIPS provider everything is as it was.
 */
export function enterFipsMode(): boolean {
  if (fipsMode() === 'on') return true;
  try {
    setFips(true);
  } catch {
    // An OpenSSL that was built without it says so; others find out when they are first used.
    return false;
  }
  if (canHash()) return true;
  setFips(false);
  return false;
}

/** Whether `enterFipsMode` would succeed. The mode is as before; but until this returns, it may be another one. */
export function isFipsModeAvailable(): boolean {
  const before = getFips() === 1;
  const available = enterFipsMode();
  if (available && !before) setFips(false);
  return available;
}

function canHash(): boolean {
  try {
    createHash('sha256');
    return true;
  } catch {
    return false;
  }
}
