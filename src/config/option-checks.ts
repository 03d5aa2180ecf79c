/** Checks that the schemas of several sections share. */
import { z } from 'zod';

/** Lets a check run although other keys are wrong, so that all mistakes show at once, but not when its own keys are. */
export function ifSound(...keys: readonly string[]) {
  return {
    when: ({ value, issues }: z.core.ParsePayload) =>
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      !issues.some((issue) => keys.includes(String(issue.path?.[0]))),
  };
}

/** Lets a check of a list run although entries are wrong. */
export const IF_LIST = { when: ({ value }: z.core.ParsePayload) => Array.isArray(value) };

/** Refuses a list in which two entries have one name. It trusts nothing but a name that is text: see `IF_LIST`. */
export function refuseSameName(message: string) {
  return (entries: readonly unknown[], context: z.RefinementCtx): void => {
    const seen = new Set<string>();
    entries.forEach((entry, index) => {
      const name = named.safeParse(entry).data?.name;
      if (name === undefined) return;
      if (seen.has(name)) context.addIssue({ code: 'custom', path: [index, 'name'], message });
      seen.add(name);
    });
  };
}

/** Refuses two sections for one directory, which would leave open which of them holds. */
export function refuseSamePath(rules: readonly { readonly path: string }[], context: z.RefinementCtx): void {
  rules.forEach((rule, index) => {
    const twin = rules.findIndex((other) => other.path === rule.path);
    if (twin < index) context.addIssue({ code: 'custom', path: [index, 'path'], message: 'has a rule already' });
  });
}

const named = z.looseObject({ name: z.string() });
