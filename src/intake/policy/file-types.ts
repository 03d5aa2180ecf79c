/**
 * Kinds of contents, told by how a file begins. The table is closed, so that a misspelt kind is a mistake of the
 * configuration and not a file that nobody may send. It keeps out what was sent by mistake and what has a false name;
 * whether a file is sound, or safe to open, is for gates to say.
 */

/** So much of a file's beginning is looked at: enough for the first entries of an Office file and the mark of a tar. */
export const HEAD_BYTES = 16_384;

/** A kind: what it is called for people, and whether a file begins like one. `whole`: the head is all of the file. */
interface FileType {
  readonly title: string;
  looksLike(head: Buffer, whole: boolean): boolean;
}

/** Every kind by its name in the configuration. The sources are the formats' own specifications, named with each. */
const FILE_TYPES = {
  // ISO 32000-1 section 7.5.2. Readers look further for the header, behind which anything else could hide.
  pdf: { title: 'PDF', looksLike: (head) => /^(?:\xef\xbb\xbf)?\s*%PDF-/.test(latin(head, 64)) },
  // APPNOTE.TXT sections 4.3.7 and 4.3.16: a first entry, or the end of an archive without any.
  zip: { title: 'ZIP', looksLike: (head) => isZip(head) || begins('504b0506')(head) },
  // ECMA-376 part 2: a ZIP whose parts lie in folders; those of a text are in word/.
  docx: { title: 'Word (docx)', looksLike: (head) => isZip(head) && zipNames(head, 'word/') },
  xlsx: { title: 'Excel (xlsx)', looksLike: (head) => isZip(head) && zipNames(head, 'xl/') },
  pptx: { title: 'PowerPoint (pptx)', looksLike: (head) => isZip(head) && zipNames(head, 'ppt/') },
  // MS-CFB section 2.2: doc, xls, ppt and msg of old.
  ole: { title: 'OLE (doc, xls, msg)', looksLike: begins('d0cf11e0a1b11ae1') },
  // RFC 1952 section 2.3.1; 08 is deflate, the one method that there is.
  gzip: { title: 'gzip', looksLike: begins('1f8b08') },
  // 7zFormat.txt of the 7-Zip SDK, "Signature Header".
  '7z': { title: '7-Zip', looksLike: begins('377abcaf271c') },
  // RFC 8878 section 3.1.1; little-endian.
  zstd: { title: 'Zstandard', looksLike: begins('28b52ffd') },
  // The .xz File Format, section 2.1.1.1.
  xz: { title: 'xz', looksLike: begins('fd377a585a00') },
  // bzip2's format: BZh, a level, and the magic of a block or of the end.
  bzip2: {
    title: 'bzip2',
    looksLike: (head) => /^BZh[1-9](?:1AY&SY|\x17rE8P\x90)/.test(head.toString('latin1', 0, 10)),
  },
  // POSIX.1 pax, "ustar Interchange Format": the magic stands at 257.
  tar: { title: 'tar', looksLike: (head) => head.toString('latin1', 257, 262) === 'ustar' },
  // RFC 2083 section 3.1.
  png: { title: 'PNG', looksLike: begins('89504e470d0a1a0a') },
  // ITU-T T.81 section B.1.1.3: SOI, and the FF of the marker behind it.
  jpeg: { title: 'JPEG', looksLike: begins('ffd8ff') },
  // TIFF 6.0 section 2, in both orders of bytes.
  tiff: { title: 'TIFF', looksLike: (head) => begins('49492a00')(head) || begins('4d4d002a')(head) },
  // GIF89a section 17.
  gif: { title: 'GIF', looksLike: (head) => /^GIF8[79]a$/.test(head.toString('latin1', 0, 6)) },
  // XML 1.0 section 2.8. A document without the declaration begins with an element or a comment.
  xml: { title: 'XML', looksLike: isXml },
  // RFC 8259: an object or an array, which is all that files are exchanged as.
  json: { title: 'JSON', looksLike: (head, whole) => isText(head, whole) && /^\s*[[{]/.test(bare(head)) },
  // UTF-8 without control characters but tab, CR, LF and FF: CSV too, which nothing marks.
  text: { title: 'text in UTF-8', looksLike: isText },
  // ASC X12.5: ISA is 106 characters with the element separator in fixed places.
  'edi-x12': { title: 'EDI X12', looksLike: isX12 },
  // ISO 9735-1: an optional UNA, then UNB.
  edifact: { title: 'EDIFACT', looksLike: (head) => /^\s*(?:UNA.{6}\s*)?UNB[^A-Za-z0-9]/s.test(latin(head, 64)) },
  // HL7 version 2: the header of a message, a file or a batch, and the separators.
  hl7: { title: 'HL7 v2', looksLike: (head) => /^(?:MSH|FHS|BHS)(.)\^~\\[&]?.{0,2}\1/s.test(latin(head, 16)) },
  // DICOM part 10 section 7.1: a preamble of 128 bytes.
  dicom: { title: 'DICOM', looksLike: (head) => head.toString('latin1', 128, 132) === 'DICM' },
  // RFC 9580 sections 6.2 and 10.3: encrypted messages only, armored or not.
  pgp: { title: 'OpenPGP message', looksLike: isPgp },
  // c2sp.org/age: the first line, or that of its armor.
  age: {
    title: 'age',
    looksLike: (head) => /^(?:age-encryption\.org\/v1\n|-----BEGIN AGE ENCRYPTED FILE-----)/.test(latin(head, 64)),
  },
  // Apache Parquet, "File format".
  parquet: { title: 'Parquet', looksLike: (head) => latin(head, 4) === 'PAR1' },
} as const satisfies Record<string, FileType>;

/** The name of a kind. */
export type FileTypeName = keyof typeof FILE_TYPES;

/** All of them, in the order of the page. */
export const FILE_TYPE_NAMES = Object.keys(FILE_TYPES).filter(isFileTypeName);

/** What a kind is called for people. */
export function fileTypeTitle(name: FileTypeName): string {
  return FILE_TYPES[name].title;
}

/**
 * Whether a file looks like one of these kinds. `head` is its first `HEAD_BYTES`, or all of it; `bytes` is its whole size.
 */
export function looksLikeOneOf(names: readonly FileTypeName[], head: Buffer, bytes: number): boolean {
  return names.some((name) => FILE_TYPES[name].looksLike(head, bytes <= head.length));
}

function isFileTypeName(name: string): name is FileTypeName {
  return Object.hasOwn(FILE_TYPES, name);
}

function begins(hex: string): (head: Buffer) => boolean {
  const magic = Buffer.from(hex, 'hex');
  return (head) => head.subarray(0, magic.length).equals(magic);
}

function latin(head: Buffer, bytes: number): string {
  return head.toString('latin1', 0, bytes);
}

function isZip(head: Buffer): boolean {
  return begins('504b0304')(head);
}

/** Whether one of the entries that begin within the head has a name in this folder (APPNOTE.TXT section 4.3.7). */
function zipNames(head: Buffer, folder: string): boolean {
  const signature = Buffer.from('504b0304', 'hex');
  for (let at = 0; at !== -1; at = head.indexOf(signature, at + signature.length)) {
    if (head.toString('latin1', at + 30, at + 30 + folder.length) === folder) return true;
  }
  return false;
}

/** The text of the head without a byte order mark. */
function bare(head: Buffer): string {
  return head.toString('utf8').replace(/^\uFEFF/, '');
}

function isXml(head: Buffer): boolean {
  const wide = begins('fffe')(head) ? head.toString('utf16le', 2) : undefined;
  const text = wide ?? (begins('feff')(head) ? bigEndian(head) : bare(head));
  return /^\s*<(?:\?xml\s|!DOCTYPE\s+(?!html)|!--|[A-Za-z_][^<>\s]*[\s/>])/.test(text) && !/^\s*<!?html/i.test(text);
}

function bigEndian(head: Buffer): string {
  return Buffer.from(head.subarray(2, head.length - (head.length % 2)))
    .swap16()
    .toString('utf16le');
}

/** A head that ends within a character is no mistake of the file, unless it is all of it. */
function isText(head: Buffer, whole: boolean): boolean {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: !whole });
    return !/[\0-\x08\x0b\x0e-\x1f\x7f]/.test(text);
  } catch {
    // What does not decode is no UTF-8, which is the question.
    return false;
  }
}

/** Where the separator stands behind each of the first elements of ISA, whose lengths are fixed. */
const X12_SEPARATORS = [3, 6, 17, 20, 31, 34, 50, 53, 69, 76, 81, 83, 89, 99, 101, 103];

function isX12(head: Buffer): boolean {
  const text = latin(head, 106);
  const separator = text.charAt(3);
  if (text.length < 106 || !text.startsWith('ISA') || /[A-Za-z0-9 ]/.test(separator)) return false;
  return X12_SEPARATORS.every((at) => text.charAt(at) === separator);
}

/** The packets that an encrypted message begins with, and their versions: PKESK (1) and SKESK (3). */
const PGP_VERSIONS: ReadonlyMap<number, readonly number[]> = new Map([
  [1, [3, 6]],
  [3, [4, 5, 6]],
]);

function isPgp(head: Buffer): boolean {
  if (latin(head, 27) === '-----BEGIN PGP MESSAGE-----') return true;
  const [first = 0, second = 0] = head;
  if ((first & 0x80) === 0) return false;
  const isNew = (first & 0x40) !== 0;
  const tag = isNew ? first & 0x3f : (first & 0x3f) >> 2;
  // Old lengths have 1, 2 or 4 bytes; new ones 1, 2 or 5 (RFC 9580 section 4.2).
  const oldLength = [1, 2, 4, 0][first & 3] ?? 0;
  const newLength = second < 192 ? 1 : second < 224 ? 2 : 5;
  const version = head[1 + (isNew ? newLength : oldLength)] ?? 0;
  return PGP_VERSIONS.get(tag)?.includes(version) ?? false;
}
