/** The groups for key exchange that a probe offers, by their numbers (IANA's TLS registry). */

/** The groups, those that a good server prefers first. */
export const GROUPS: ReadonlyMap<number, string> = new Map([
  [0x11ec, 'X25519MLKEM768'],
  [0x11eb, 'SecP256r1MLKEM768'],
  [0x11ed, 'SecP384r1MLKEM1024'],
  [0x0201, 'MLKEM768'],
  [0x0202, 'MLKEM1024'],
  [0x0200, 'MLKEM512'],
  [0x001d, 'X25519'],
  [0x0017, 'P-256'],
  [0x001e, 'X448'],
  [0x0018, 'P-384'],
  [0x0019, 'P-521'],
  [0x0100, 'ffdhe2048'],
  [0x0101, 'ffdhe3072'],
  [0x0102, 'ffdhe4096'],
  [0x0103, 'ffdhe6144'],
  [0x0104, 'ffdhe8192'],
  [0x001f, 'brainpoolP256r1tls13'],
  [0x0020, 'brainpoolP384r1tls13'],
  [0x0021, 'brainpoolP512r1tls13'],
  [0x001a, 'brainpoolP256r1'],
  [0x001b, 'brainpoolP384r1'],
  [0x001c, 'brainpoolP512r1'],
  [0x0016, 'secp256k1'],
  [0x0015, 'P-224'],
  [0x0013, 'P-192'],
  [0x0012, 'secp192k1'],
  [0x0010, 'secp160r1'],
  [0x000f, 'secp160k1'],
  [0x0011, 'secp160r2'],
  [0x0001, 'sect163k1'],
  [0x0003, 'sect163r2'],
  [0x0006, 'sect233k1'],
  [0x0007, 'sect233r1'],
  [0x0009, 'sect283k1'],
  [0x000a, 'sect283r1'],
  [0x000b, 'sect409k1'],
  [0x000c, 'sect409r1'],
  [0x000d, 'sect571k1'],
  [0x000e, 'sect571r1'],
]);

/** The name of a group; its number when it is none of ours. */
export function groupName(code: number): string {
  return GROUPS.get(code) ?? `0x${code.toString(16).padStart(4, '0')}`;
}

/** Whether what is agreed on in this group stays secret from a quantum computer of tomorrow. */
export function isPostQuantum(name: string): boolean {
  return name.includes('MLKEM');
}

/** Whether a group gives less than 112 bits of strength, so that NIST SP 800-57 no longer allows it. */
export function isWeakGroup(name: string): boolean {
  return /^(?:P-192|secp1|sect163)/.test(name);
}
