/** Revocation lists (RFC 5280 section 5) as OpenSSL is given them; it checks them, and here is only what it does not tell. */
import { DER, DerError, type DerValue, derChildren, derContent, derTime, readDer } from '../lib/der.ts';

/** How long before its end a list is told of: most are issued daily or weekly. */
const WARNING_MS = 6 * 3_600_000;

/** One list. */
export interface RevocationList {
  readonly pem: string;
  /** The values of the issuer's distinguished name, for the log. */
  readonly issuer: string;
  /** When the next list should be there, which is when this one ends; in milliseconds since 1970 (UTC). */
  readonly nextUpdateMs: number;
}

/**
 * The lists in a PEM text. Node would read the first and drop the others without a word.
 *
 * @throws Error when there is none, or one of them cannot be read or has no end.
 */
export function revocationLists(text: string): readonly RevocationList[] {
  const blocks = text.match(/-----BEGIN X509 CRL-----[^-]*-----END X509 CRL-----/g) ?? [];
  if (blocks.length === 0) throw new Error('holds no revocation list in PEM form');
  return blocks.map((pem, index) => {
    try {
      return { pem: `${pem}\n`, ...factsOf(Buffer.from(pem.split('-----')[2] ?? '', 'base64')) };
    } catch (cause) {
      if (!(cause instanceof DerError)) throw cause;
      throw new Error(`revocation list ${index + 1}: ${cause.message}`, { cause });
    }
  });
}

/** Whether a list has ended, which refuses the certificates of its issuer, or ends soon. */
export function endOf({ nextUpdateMs }: RevocationList, nowMs: number): 'ended' | 'soon' | 'later' {
  if (nextUpdateMs <= nowMs) return 'ended';
  return nextUpdateMs - nowMs <= WARNING_MS ? 'soon' : 'later';
}

/** @throws DerError. */
function factsOf(bytes: Buffer): Pick<RevocationList, 'issuer' | 'nextUpdateMs'> {
  const [list] = derChildren(readDer(bytes), DER.sequence);
  const fields = derChildren(list, DER.sequence);
  // The version comes first, where there is one; then the algorithm, the issuer, and the times of this list and the next.
  const [, issuer, , next] = fields[0]?.tag === DER.integer ? fields.slice(1) : fields;
  if (next?.tag !== UTC_TIME && next?.tag !== DER.generalizedTime) {
    throw new DerError('has no nextUpdate, so that nobody could tell when it has become old');
  }
  return { issuer: nameOf(issuer), nextUpdateMs: next.tag === UTC_TIME ? utcTime(next) : derTime(next) };
}

/** The tag of a UTCTime (X.690 section 8.25). */
const UTC_TIME = 0x17;

/** A year of two digits below 50 is of this century (RFC 5280 section 4.1.2.5.1). @throws DerError. */
function utcTime(value: DerValue): number {
  const text = derContent(value, UTC_TIME).toString('latin1');
  const century = Number(text.slice(0, 2)) < 50 ? '20' : '19';
  return derTime({ ...value, tag: DER.generalizedTime, content: Buffer.from(`${century}${text}`, 'latin1') });
}

/** The values of a name, in its order; what is no plain text in them is for a closer look with other tools. */
function nameOf(name: DerValue | undefined): string {
  return derChildren(name, DER.sequence)
    .flatMap((set) => derChildren(set, DER.set))
    .map((attribute) => derChildren(attribute, DER.sequence)[1]?.content.toString('utf8') ?? '')
    .join(', ');
}
