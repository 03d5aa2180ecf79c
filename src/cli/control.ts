/** Asks the gateway that runs, through the control socket of its state directory. */
import { createConnection, type Socket } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { hasCode } from '../lib/error-code.ts';
import {
  CONTROL_RESULTS,
  CONTROL_SOCKET,
  type ControlAct,
  type ControlAnswer,
  type ControlParameters,
  type ControlResults,
  controlAnswer,
} from '../server/control-protocol.ts';
import { CommandFailure } from './command-failure.ts';

/** Nobody listens: no gateway runs with this state directory. */
export class NoGateway extends CommandFailure {}

/** The longest answer, in bytes: what hundred thousand uploads that are held back take. */
const ANSWER_BYTES_MAX = 268_435_456;
/** Longer than publishing the largest file takes, which is a rename. */
const ANSWER_MAX_MS = 120_000;

/**
 * Has the gateway do something. @throws NoGateway when none runs; CommandFailure when it refuses, in its words, or cannot be
 * asked.
 */
export async function askGateway<Act extends ControlAct>(
  stateDirectory: string,
  act: Act,
  parameters: ControlParameters<Act>,
): Promise<ControlResults[Act]> {
  const answer = await exchange(stateDirectory, JSON.stringify({ id: 0, act, ...parameters }));
  if (!answer.ok) throw new CommandFailure('failure', `${answer.error.message}.`);
  const result = CONTROL_RESULTS[act].safeParse(answer.result);
  if (result.success) return result.data;
  throw new CommandFailure('failure', OTHER_WORDS, { cause: result.error });
}

const OTHER_WORDS = 'The gateway that runs answers in words that are not known here: is it of another version?';

/**
 * The user of the system who gives an order: the one who runs this program, and behind `sudo` the one who called it. It is
 * this program's word alone.
 */
export function operatorName(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const { username, uid } = systemUser();
  const caller = uid === 0 ? environment.SUDO_USER : undefined;
  return caller === undefined || caller === '' || caller === username ? username : `${caller} (as ${username})`;
}

/** A user without an entry in the system's list, as in containers, is known by number alone. */
function systemUser(): { readonly username: string; readonly uid: number } {
  try {
    return userInfo();
  } catch {
    const uid = process.getuid?.() ?? -1;
    return { username: `user ${uid}`, uid };
  }
}

async function exchange(stateDirectory: string, request: string): Promise<ControlAnswer> {
  const path = join(stateDirectory, CONTROL_SOCKET);
  const socket = await connected(path);
  try {
    socket.write(`${request}\n`);
    return parsedAnswer(await answerLine(socket));
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandFailure('failure', `The gateway did not answer (${why}); its audit log says what was done.`, {
      cause: error,
    });
  } finally {
    socket.destroy();
  }
}

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', (error) => reject(unreachable(path, error)));
  });
}

function unreachable(path: string, error: Error): CommandFailure {
  if (hasCode(error, 'ENOENT', 'ECONNREFUSED', 'ENOTDIR')) {
    const advice = 'start it with `sallyport serve`, or name its configuration with --config';
    return new NoGateway('failure', `No gateway runs here (${path}): ${advice}.`, { cause: error });
  }
  if (hasCode(error, 'EACCES', 'EPERM')) {
    const advice = 'be the user that the gateway runs as, or root';
    return new CommandFailure('failure', `This user may not use ${path}: ${advice}.`, { cause: error });
  }
  return new CommandFailure('failure', `${path} cannot be reached: ${error.message}`, { cause: error });
}

async function answerLine(socket: Socket): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  socket.setTimeout(ANSWER_MAX_MS, () => socket.destroy(new Error('it took too long')));
  for await (const piece of socket) {
    const part: Buffer = piece;
    const end = part.indexOf(10);
    pieces.push(end < 0 ? part : part.subarray(0, end));
    if (end >= 0) return Buffer.concat(pieces).toString('utf8');
    bytes += part.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error('its answer is too long');
  }
  throw new Error('it hung up');
}

function parsedAnswer(line: string): ControlAnswer {
  try {
    return controlAnswer.parse(JSON.parse(line));
  } catch (error) {
    throw new CommandFailure('failure', OTHER_WORDS, { cause: error });
  }
}
