/** What an ICAP service says of itself in answer to OPTIONS (RFC 3507 section 4.10), for as long as it says that it holds. */
import type { Clock } from '../../lib/clock.ts';
import { ByteReader, type IcapHead, readIcapHead } from './icap-answer.ts';
import type { Wire } from './wire.ts';

/** What a service wants, and can. */
export interface IcapService {
  /** How many bytes it wants to see first; undefined when it wants everything at once. */
  readonly previewBytes: number | undefined;
  /** Endings of names that are not previewed although others are, in small letters; `*` for all that are not named. */
  readonly previewed: ReadonlySet<string>;
  readonly complete: ReadonlySet<string>;
  /** Connections that it takes; undefined when it does not say. */
  readonly connectionsMax: number | undefined;
  /** When it has to be asked again: a time of `Clock.monotonicMs`. */
  readonly untilMs: number;
}

/** Where a service is. */
export interface IcapUri {
  /** The whole URI as it stands in requests. */
  readonly uri: string;
  /** Host, and port where it is not the usual one, for the header `Host`. */
  readonly authority: string;
}

/** A preview that is larger gains nothing: the service may as well have everything. */
const PREVIEW_BYTES_MAX = 1_048_576;
/** A service that does not say how long its answer holds is asked again after an hour, and at most after a day. */
const TTL_DEFAULT_S = 3_600;
const TTL_MAX_S = 86_400;

/** Asks a service for its options. @throws IcapBroken; Error when it cannot do what is wanted of it. */
export async function askOptions(
  wire: Wire,
  { uri, authority }: IcapUri,
  { method, clock }: { readonly method: 'RESPMOD' | 'REQMOD'; readonly clock: Clock },
): Promise<IcapService> {
  const lines = [`OPTIONS ${uri} ICAP/1.0`, `Host: ${authority}`, 'User-Agent: Sallyport', 'Encapsulated: null-body=0'];
  await wire.write(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`));
  const head = await readIcapHead(new ByteReader(() => wire.read()));
  if (head.code !== 200) throw new Error(`the ICAP service answered ${head.code} to OPTIONS`);
  const methods = listOf(head, 'methods');
  if (methods.size > 0 && !methods.has(method.toLowerCase())) {
    throw new Error(`the ICAP service does not offer ${method}`);
  }
  const preview = numberOf(head, 'preview');
  return {
    previewBytes: preview === undefined || preview > PREVIEW_BYTES_MAX ? undefined : preview,
    previewed: listOf(head, 'transfer-preview'),
    complete: listOf(head, 'transfer-complete'),
    connectionsMax: numberOf(head, 'max-connections'),
    untilMs: clock.monotonicMs() + 1_000 * Math.min(numberOf(head, 'options-ttl') ?? TTL_DEFAULT_S, TTL_MAX_S),
  };
}

/**
 * How many bytes of a file the service sees before it says whether it wants the rest; undefined for all of it at once. Files
 * that it does not want at all (`Transfer-Ignore`) are sent as well: whoever chooses a name must not choose the check.
 */
export function previewFor({ previewBytes, previewed, complete }: IcapService, name: string): number | undefined {
  const ending = /\.([^./]+)$/.exec(name)?.[1]?.toLowerCase();
  const wanted = (endings: ReadonlySet<string>) => ending !== undefined && endings.has(ending);
  if (wanted(complete)) return undefined;
  return wanted(previewed) || previewed.has('*') ? previewBytes : undefined;
}

function listOf({ headers }: IcapHead, name: string): ReadonlySet<string> {
  const items = (headers.get(name) ?? '').split(',').map((item) => item.trim().toLowerCase());
  return new Set(items.filter((item) => item !== ''));
}

function numberOf({ headers }: IcapHead, name: string): number | undefined {
  const text = headers.get(name) ?? '';
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
