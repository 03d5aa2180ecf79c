/** Values inside the two little languages of LDAP: filters (RFC 4515) and distinguished names (RFC 4514). */

/**
 * A value as it may stand in a filter. Other characters than these five may stand for themselves (RFC 4515 section 3),
 * and `ldapts` would read an escape of a letter beyond ASCII as two letters.
 */
export function filterValue(value: string): string {
  return value.replace(/[*()\\\0]/g, (character) => `\\${hexOf(character)}`);
}

/** A value as it may stand in a distinguished name (RFC 4514 section 2.4), `=` escaped too as it allows. */
export function dnValue(value: string): string {
  return value
    .replace(/[\\",+<>;=]/g, (character) => `\\${character}`)
    .replaceAll('\0', '\\00')
    .replace(/^[ #]/, (character) => `\\${character}`)
    .replace(/(?<!\\) $/, '\\ ');
}

/** A text with `{name}` replaced by its value in `values`, each written as `write` says; other braces stay. */
export function filledIn(
  template: string,
  values: Readonly<Record<string, string>>,
  write: (value: string) => string,
): string {
  // In one pass: a value that holds `{dn}` is no place for another value.
  return template.replace(/\{([a-z]+)\}/g, (whole, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    return value === undefined ? whole : write(value);
  });
}

/**
 * Type and value of the first part of a distinguished name, `cn` and `Sales` of `cn=Sales,ou=groups,dc=example`.
 *
 * @returns undefined for what is none, is in hexadecimal form, or has several attributes in its first part.
 */
export function firstRdn(dn: string): { readonly type: string; readonly value: string } | undefined {
  const [, type, text] = /^([A-Za-z0-9.-]+)=((?:\\[0-9A-Fa-f]{2}|\\[^0-9A-Fa-f]|[^\\,+";<>])*)(?:,|$)/su.exec(dn) ?? [];
  if (type === undefined || text === undefined || text.startsWith('#')) return undefined;
  // Escapes in hexadecimal are bytes of UTF-8, one after the other (RFC 4514 section 2.4).
  const value = text.replace(/(?:\\[0-9A-Fa-f]{2})+|\\(.)/gsu, (written, character?: string) =>
    character === undefined ? Buffer.from(written.replaceAll('\\', ''), 'hex').toString() : character,
  );
  return { type, value };
}

function hexOf(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(2, '0');
}
