/** Names as certificates write them: distinguished names of subjects and issuers, and alternative names. */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { DER, DerError, type DerValue, der, derChildren, derOid, readDer } from '../lib/der.ts';
import { fieldsOf, named, primitiveContextTag, readText, sequence, TEXT_TAG } from './certificate-der.ts';

/** The parts of a subject that can be asked for. */
export interface Subject {
  readonly commonName: string;
  readonly organization?: string | undefined;
  /** Two letters. */
  readonly country?: string | undefined;
}

/** An alternative name as the configuration writes it: `dns:`, `ip:`, `email:` or `uri:` and the name. */
export type AlternativeName = `${'dns' | 'ip' | 'email' | 'uri'}:${string}`;

/** A distinguished name (DER), from the greatest part to the smallest. */
export function distinguishedName({ commonName, organization, country }: Subject): Buffer {
  return sequence(
    ...(country === undefined ? [] : [attribute(OID.C, der(TEXT_TAG.printable, Buffer.from(country)))]),
    ...(organization === undefined ? [] : [attribute(OID.O, der(TEXT_TAG.utf8, Buffer.from(organization)))]),
    attribute(OID.CN, der(TEXT_TAG.utf8, Buffer.from(commonName))),
  );
}

/** A distinguished name as people read it, the smallest part first: `CN=acme, O=Acme Ltd`. */
export function nameText(name: Buffer): string {
  const parts = attributes(name).map(({ type, value }) => {
    const text = readText(value) ?? `#${value.whole.toString('hex')}`;
    return `${TYPES.get(type) ?? type}=${text.replace(/[,+=\\"<>;]/g, '\\$&')}`;
  });
  return parts.reverse().join(', ');
}

/** The common names in a distinguished name. */
export function commonNames(name: Buffer): readonly string[] {
  return attributes(name).flatMap(({ type, value }) => (type === OID.CN ? [readText(value) ?? ''] : []));
}

/** The name of a server in the form of an alternative name: an address is `ip:`, anything else `dns:`. */
export function serverName(name: string): AlternativeName {
  return isIP(name) === 0 ? `dns:${name}` : `ip:${name}`;
}

/** The value of the extension for alternative names. */
export function alternativeNamesDer(names: readonly AlternativeName[]): Buffer {
  return sequence(
    ...names.map((name) => {
      const value = name.slice(name.indexOf(':') + 1);
      if (name.startsWith('ip:')) {
        // ipaddr.js reads `::192.0.2.1` as if it were `::ffff:192.0.2.1`, so it is given hexadecimal throughout.
        const address = isIP(value) === 6 ? new URL(`ftp://[${value}]`).hostname.slice(1, -1) : value;
        return der(primitiveContextTag(7), Buffer.from(ipaddr.parse(address).toByteArray()));
      }
      const kind = name.startsWith('email:') ? 1 : name.startsWith('dns:') ? 2 : 6;
      return der(primitiveContextTag(kind), Buffer.from(value, 'latin1'));
    }),
  );
}

/** The names in an extension for alternative names; those of kinds that nobody here gives out begin with `other:`. */
export function readAlternativeNames(value: Buffer): readonly string[] {
  return derChildren(readDer(value), DER.sequence).map(({ tag, content, whole }) => {
    const prefix = KINDS[tag & 0x1f];
    if (tag === primitiveContextTag(7)) return `ip:${addressText(content)}`;
    if (prefix === undefined || tag !== primitiveContextTag(tag & 0x1f)) return `other:${whole.toString('hex')}`;
    return `${prefix}:${content.toString('latin1')}`;
  });
}

function addressText(bytes: Buffer): string {
  if (bytes.length !== 4 && bytes.length !== 16) throw new DerError('an address has no known length');
  return ipaddr.fromByteArray([...bytes]).toString();
}

function attribute(type: string, value: Buffer): Buffer {
  return der(DER.set, named(type, value));
}

function attributes(name: Buffer): readonly { readonly type: string; readonly value: DerValue }[] {
  return derChildren(readDer(name), DER.sequence).flatMap((set) =>
    derChildren(set, DER.set).map((pair) => {
      const fields = fieldsOf(pair);
      const type = derOid(fields.next());
      const value = fields.next();
      fields.end();
      return { type, value };
    }),
  );
}

const OID = { CN: '2.5.4.3', C: '2.5.4.6', O: '2.5.4.10' } as const;

const TYPES: ReadonlyMap<string, string> = new Map([
  [OID.CN, 'CN'],
  ['2.5.4.4', 'SN'],
  ['2.5.4.5', 'serialNumber'],
  [OID.C, 'C'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  [OID.O, 'O'],
  ['2.5.4.11', 'OU'],
  ['2.5.4.42', 'GN'],
  ['0.9.2342.19200300.100.1.1', 'UID'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
  ['1.2.840.113549.1.9.1', 'emailAddress'],
]);

/** The kinds of alternative names that are text, by the number of their tag. */
const KINDS: Readonly<Record<number, string>> = { 1: 'email', 2: 'dns', 6: 'uri' };
