/**
 * The group in which a TLS connection agreed on its keys. Node tells that to clients only (`getEphemeralKeyInfo`), but it
 * gives servers the session as OpenSSL writes it down (`getSession`), and the group is part of that.
 */
import { DerError, derChildren, readDer } from '../lib/der.ts';

/** The groups that can be met, by their numbers and names in IANA's registry of TLS Supported Groups. */
export const GROUP_NAMES: ReadonlyMap<number, string> = new Map([
  [0x0017, 'secp256r1'],
  [0x0018, 'secp384r1'],
  [0x0019, 'secp521r1'],
  [0x001d, 'x25519'],
  [0x001e, 'x448'],
  [0x0100, 'ffdhe2048'],
  [0x0101, 'ffdhe3072'],
  [0x0102, 'ffdhe4096'],
  [0x0103, 'ffdhe6144'],
  [0x0104, 'ffdhe8192'],
  [0x0200, 'MLKEM512'],
  [0x0201, 'MLKEM768'],
  [0x0202, 'MLKEM1024'],
  [0x11eb, 'SecP256r1MLKEM768'],
  [0x11ec, 'X25519MLKEM768'],
  [0x11ed, 'SecP384r1MLKEM1024'],
]);

/**
 * The IANA name of the group, or its number as `0x11ee` when it has none here; undefined when the bytes are no session of
 * OpenSSL 3.2 or later, or no group was needed. In TLS 1.3 it is that of this very handshake, also when it resumed a
 * session; in TLS 1.2 a resumed session has no new key exchange, and the group is that of its first handshake.
 */
export function negotiatedGroup(session: Buffer | undefined): string | undefined {
  const number = session === undefined ? undefined : groupNumber(session);
  if (number === undefined) return undefined;
  return GROUP_NAMES.get(number) ?? `0x${number.toString(16).padStart(4, '0')}`;
}

/** SSL_SESSION is a sequence that begins with the number of its form; optional parts behind it have tags of their own. */
const SEQUENCE = 0x30;
const INTEGER = 0x02;
const FORM = 1;
/** [19], constructed: `kex_group`. */
const KEX_GROUP = 0xb3;

function groupNumber(session: Buffer): number | undefined {
  try {
    const parts = derChildren(readDer(session), SEQUENCE);
    const [form] = parts;
    if (form?.tag !== INTEGER || form.content.length !== 1 || form.content[0] !== FORM) return undefined;
    const part = parts.find(({ tag }) => tag === KEX_GROUP);
    const value = part && readDer(part.content);
    // Numbers of groups have 16 bits; a third byte is the sign's.
    if (value?.tag !== INTEGER || value.content.length < 1 || value.content.length > 3) return undefined;
    const number = value.content.readUIntBE(0, value.content.length);
    return number >= 1 && number <= 0xffff ? number : undefined;
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}
