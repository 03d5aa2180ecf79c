/**
 * ClamAV as a gate: the file is streamed to clamd with its command INSTREAM (clamd(8)), over a Unix socket or TCP, each file
 * on a connection of its own. Whatever is not plainly `OK` for the whole file is no pass.
 */
import { z } from 'zod';
import { errorCode } from '../../lib/error-code.ts';
import { untilAborted } from '../../lib/until-aborted.ts';
import { defineGate, type Gate, type GateItem, type GateVerdict } from '../../spi/gate.ts';
import { connectionKeys, filePath, type GateParts, gateKeys, inTurn, isThisMachine, shown } from './gate-keys.ts';
import { openWire, type Wire } from './wire.ts';

/** A clamd. */
export const clamdEntry = z
  .strictObject({
    kind: z.literal('clamd'),
    ...gateKeys,
    ...connectionKeys,
    /** Its Unix socket (`LocalSocket` of clamd.conf). */
    socket: filePath.optional(),
    /** In place of it: where it listens for TCP. The protocol has no TLS. */
    host: z
      .string()
      .regex(/^[A-Za-z0-9._:-]{1,253}$/, { error: 'must be a host name or an address' })
      .optional(),
    port: z.int().min(1).max(65_535).default(3_310),
    /**
     * Larger files could not be checked. Not above `StreamMaxLength`, which ends the stream, nor `MaxFileSize`, beyond which
     * clamd says OK of what it has not looked at: both are 100 MB unless clamd.conf says otherwise.
     */
    bytesMax: z.int().min(1).max(4_294_967_295).default(104_857_600),
    /** How much is sent at once. */
    chunkBytes: z.int().min(1_024).max(1_048_576).default(65_536),
  })
  .superRefine(({ socket, host, clearTextAllowed }, context) => {
    const issue = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (socket === undefined && host === undefined) issue('socket', 'is missing; or give host');
    if (socket !== undefined && host !== undefined) issue('host', 'may not be given beside socket');
    if (host !== undefined && !isThisMachine(host) && !clearTextAllowed) {
      issue('host', 'is another machine, and clamd has no TLS: set clear_text_allowed if the way there is yours');
    }
  });

/** A clamd, checked and with its defaults. */
export type ClamdOptions = z.output<typeof clamdEntry>;

/** Asks clamd. */
export function clamdGate(options: ClamdOptions, { clock }: GateParts): Gate {
  const { name, deadlineMs, connectTimeoutMs, socket, host, port } = options;
  return inTurn(
    options.parallelMax,
    defineGate({
      name,
      deadlineMs,
      async inspect(item, signal) {
        const patience = { clock, connectTimeoutMs, idleMs: deadlineMs, signal };
        const end = socket === undefined ? { host: host ?? 'localhost', port } : { socket };
        using wire = await openWire(end, patience);
        const sent = await send(wire, item, { ...options, signal });
        try {
          return verdictOf(await answerOf(wire), sent);
        } catch (error) {
          // What clamd said last may be lost with its connection; this is what it most likely was.
          const code = errorCode(error);
          if (sent === 'whole' || signal.aborted || code === undefined) throw error;
          const why = 'clamd closed the connection before it had the whole file: see StreamMaxLength of clamd.conf';
          throw new Error(`${why} (${code})`, { cause: error });
        }
      },
    }),
  );
}

/**
 * Sends the command and the file.
 *
 * @returns how much was sent: clamd may answer, and close the connection, before the end. @throws whatever keeps the file from
 * being read; Error when it is too large, or clamd takes no more of it without closing the connection.
 */
async function send(
  wire: Wire,
  { content }: GateItem,
  { bytesMax, chunkBytes, signal }: Pick<ClamdOptions, 'bytesMax' | 'chunkBytes'> & { readonly signal: AbortSignal },
): Promise<'whole' | 'part'> {
  if (!(await taken(wire, Buffer.from('zINSTREAM\0')))) return 'part';
  let bytes = 0;
  for await (const piece of untilAborted(content, signal)) {
    bytes += piece.length;
    if (bytes > bytesMax) throw new Error(`the file is larger than bytes_max (${bytesMax})`);
    for (let start = 0; start < piece.length; start += chunkBytes) {
      const chunk = piece.subarray(start, start + chunkBytes);
      if (wire.answered || !(await taken(wire, length(chunk.length), chunk))) return 'part';
    }
  }
  return (await taken(wire, length(0))) ? 'whole' : 'part';
}

/** Writes; false when the connection is over, at whose end an answer may stand. */
async function taken(wire: Wire, ...pieces: readonly Buffer[]): Promise<boolean> {
  try {
    for (const piece of pieces) await wire.write(piece);
    return true;
  } catch (error) {
    if (wire.over) return false;
    throw error;
  }
}

function length(bytes: number): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(bytes);
  return prefix;
}

/** An answer is one line; a longer one is none of clamd's. */
const ANSWER_BYTES_MAX = 4_096;

/** The answer, which ends with a NUL because the command did. @throws Error when there is no whole one. */
async function answerOf(wire: Wire): Promise<string> {
  let said = Buffer.alloc(0);
  for (;;) {
    const piece = await wire.read();
    if (piece === undefined) throw new Error('clamd closed the connection without an answer');
    said = Buffer.concat([said, piece]);
    const end = said.indexOf(0);
    if (end >= 0) return said.toString('utf8', 0, end);
    if (said.length > ANSWER_BYTES_MAX) throw new Error('clamd answered with more than one line');
  }
}

/** What an answer means for a file of which all, or a part, was sent. @throws Error for everything but a verdict. */
export function verdictOf(said: string, sent: 'whole' | 'part'): GateVerdict {
  const found = /^stream: (.+) FOUND$/s.exec(said)?.[1];
  if (found !== undefined) return { verdict: 'refuse', reason: shown(found) };
  if (said !== 'stream: OK') throw new Error(`clamd answered '${shown(said)}'`);
  if (sent === 'part') throw new Error('clamd answered OK before it had the whole file');
  return { verdict: 'pass' };
}
