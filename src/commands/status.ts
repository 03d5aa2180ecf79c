/** STAT: the state of the session, or a listing on the control channel (RFC 959 section 4.1.3). */
import { formatListLine, parseListArgument } from '../protocol/listing.ts';
import { reply } from '../protocol/reply.ts';
import type { VirtualPath } from '../protocol/virtual-path.ts';
import { PATH_OR_CWD } from '../spi/argument.ts';
import { type CommandContext, defineCommand, type Outcome } from '../spi/command.ts';
import { Fault } from '../spi/fault.ts';
import type { Session } from '../spi/session.ts';

/** Lines of a listing in one reply. Protects memory: a reply is made whole before it is sent. */
const STATUS_LINES_MAX = 1_000;

/** STAT: anyone may ask about the session, also while a transfer runs; a path needs a login. */
const stat = defineCommand({
  verb: 'STAT',
  class: 'info',
  who: 'anyone',
  files: true,
  duringTransfer: 'now',
  rfc: 'RFC 959 section 4.1.3',
  permissions: ['l with a path'],
  note: '550 for a name that is missing or may not be seen, as LIST. 451 for a directory that is too long for one reply.',
  // Old clients put `ls` flags here as they do behind LIST.
  argument: {
    syntax: '[path]',
    parts: ['path'],
    required: 0,
    parse: (text, session) => (text === '' ? undefined : PATH_OR_CWD.parse(parseListArgument(text).path, session)),
  },
  handle: (context, target) => (target === undefined ? sessionStatus(context) : pathStatus(context, target)),
});

/** The commands of this file. */
export const STATUS = [stat] as const;

function sessionStatus({ session, policy, data, transfer }: CommandContext): Outcome {
  const { controlTls, protection, type, mode, restartBytes, range } = session;
  const restart = restartBytes > 0 ? `, REST ${restartBytes}` : '';
  const part = range ? `, RANG ${range.startBytes} ${range.endBytes}` : restart;
  const lines = [
    whoLine(session),
    controlTls ? `Control channel: ${controlTls.version}, ${controlTls.suite}` : 'Control channel: clear',
    `Data channels: PROT ${protection}, ${data.arranged ? 'one arranged' : 'none arranged'}`,
    `TYPE ${type}, MODE ${mode}, STRU F${part}`,
    transfer ? `${transfer.verb} is running: ${transfer.bytesMoved} bytes so far` : 'No transfer is running',
  ];
  return { reply: reply(211, `${policy.productName} status:`, ...lines, 'End') };
}

function whoLine({ login, peer }: Session): string {
  if (login.state === 'LoggedIn') return `Logged in as ${login.account.name} from ${peer.address}`;
  return `Not logged in, from ${peer.address}`;
}

/** 213 for a file, 212 for a directory (RFC 959 section 4.2.2). */
async function pathStatus(context: CommandContext, target: VirtualPath): Promise<Outcome> {
  const files = context.files();
  const nowMs = context.clock.now();
  const facts = await files.stat(target);
  const line = (entry: Parameters<typeof formatListLine>[0]) => formatListLine(entry, nowMs).trimEnd();
  if (facts.kind !== 'directory')
    return { reply: reply(213, 'Status follows.', line({ ...facts, name: target }), 'End') };
  const lines: string[] = [];
  for await (const batch of await files.list(target)) {
    if (lines.length + batch.length > STATUS_LINES_MAX) {
      throw new Fault('ListingTooLong', { text: 'Too long for the control channel: send LIST or MLSD.' });
    }
    lines.push(...batch.map(line));
  }
  return { reply: reply(212, 'Status follows.', ...lines, 'End') };
}
