/** What keeps accounts with `run_as: user` from being served, as far as it can be known before anybody logs in. */
import { maySwitch } from '../storage/worker/rights.ts';
import type { Key, KeyPath } from './key-names.ts';
import type { Problem } from './problem.ts';
import type { RuleSource } from './rule-warnings.ts';

/**
 * A warning for each `run_as: user` when the process may not take on other users; `switches` says whether it may. It is
 * no mistake: `check` may well be run by somebody else than the gateway.
 */
export function runAsWarnings(source: RuleSource, switches = maySwitch): readonly Problem[] {
  const places = runAsUser(source.value, []);
  if (places.length === 0 || switches()) return [];
  return places.map((place) =>
    source.problemAt(
      place,
      'warning: is for a gateway that runs as root; run by this user it refuses logins of all others',
    ),
  );
}

function runAsUser(value: unknown, path: KeyPath): readonly KeyPath[] {
  if (typeof value !== 'object' || value === null) return [];
  const entries: readonly (readonly [Key, unknown])[] = Array.isArray(value)
    ? value.map((item, index) => [index, item])
    : Object.entries(value);
  return entries.flatMap(([key, inner]) =>
    key === 'runAs' && inner === 'user' ? [[...path, key]] : runAsUser(inner, [...path, key]),
  );
}
