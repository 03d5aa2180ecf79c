/** What an account's section of the configuration says for modules: every key that is not the account's own. */
import type { Account } from '../spi/authenticator.ts';
import { type AccountOptions, accountTemplate, directoryOptions, userOptions } from './users.ts';

/** The values of directives in the account and in its sections of directories. */
export function directivesIn(options: AccountOptions): Pick<Account, 'settings' | 'sections'> {
  return {
    settings: without(options, OWN_KEYS),
    sections: options.directories.map((section) => ({
      path: section.path,
      recursive: section.recursive,
      settings: without(section, SECTION_KEYS),
    })),
  };
}

const OWN_KEYS = new Set([...Object.keys(userOptions.shape), ...Object.keys(accountTemplate.shape)]);
const SECTION_KEYS = new Set(Object.keys(directoryOptions.shape));

function without(section: object, keys: ReadonlySet<string>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(section).filter(([key]) => !keys.has(key)));
}
