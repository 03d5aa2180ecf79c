/** What stands in a certificate (RFC 5280) and Node does not tell: the very bytes of its names, how it is signed, its key usage. */
import { DER, derBits, derChildren, derContent, derOid, readDer } from '../lib/der.ts';

/** Parts of a certificate, as bytes where hashes are made of them. */
export interface CertificateParts {
  /** The content of the INTEGER. */
  readonly serialNumber: Buffer;
  /** The issuer's name, DER. */
  readonly issuer: Buffer;
  /** The subject's name, DER. */
  readonly subject: Buffer;
  /** The subject's public key without its algorithm: what OCSP and key identifiers are hashes of. */
  readonly publicKeyBits: Buffer;
  /** The object identifier of the algorithm with which it is signed. */
  readonly signatureAlgorithm: string;
  /** The first byte of the key usage, its highest bit `digitalSignature`; undefined when every use is allowed. */
  readonly keyUsage: number | undefined;
}

/** The bit of `digitalSignature` in `keyUsage`. */
export const DIGITAL_SIGNATURE = 0x80;

/** Reads a certificate. @throws DerError for what is none. */
export function certificateParts(certificate: Buffer): CertificateParts {
  const [signed, algorithm] = derChildren(readDer(certificate), DER.sequence);
  const all = derChildren(signed, DER.sequence);
  // A version of 1 is left out.
  const fields = all[0]?.tag === VERSION ? all.slice(1) : all;
  const [serialNumber, , issuer, , subject, publicKey] = fields;
  return {
    serialNumber: derContent(serialNumber, DER.integer),
    issuer: whole(issuer),
    subject: whole(subject),
    publicKeyBits: derBits(derChildren(publicKey, DER.sequence)[1]),
    signatureAlgorithm: derOid(derChildren(algorithm, DER.sequence)[0]),
    keyUsage: keyUsageOf(fields.find(({ tag }) => tag === EXTENSIONS)?.content),
  };
}

const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const KEY_USAGE = '2.5.29.15';

function whole(value: Parameters<typeof derContent>[0]): Buffer {
  derContent(value, DER.sequence);
  return value?.whole ?? Buffer.alloc(0);
}

function keyUsageOf(extensions: Buffer | undefined): number | undefined {
  if (extensions === undefined) return undefined;
  for (const extension of derChildren(readDer(extensions), DER.sequence)) {
    const fields = derChildren(extension, DER.sequence);
    if (derOid(fields[0]) !== KEY_USAGE) continue;
    // The first byte of a bit string counts the bits that its last one lacks.
    return derContent(readDer(derContent(fields.at(-1), DER.octetString)), DER.bitString)[1] ?? 0;
  }
  return undefined;
}
