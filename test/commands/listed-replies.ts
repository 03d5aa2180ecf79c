/** The replies that RFC 959 section 5.4 lists for each command, and whether one stands there or on `docs/rfc.md`. */
import { COMMON_REPLIES } from '../../docs/generate-rfc.ts';
import { COMMANDS } from '../../src/commands/all.ts';

const STORING = '125 150 226 250 425 426 451 551 552 532 450 452 553 500 501 421 530';
const LISTING = '125 150 226 250 425 426 451 450 500 501 502 421 530';

/** Section 5.4, command by command. */
const LISTED: Readonly<Record<string, string>> = {
  USER: '230 530 500 501 421 331 332',
  PASS: '230 202 530 500 501 503 421 332',
  ACCT: '230 202 530 500 501 503 421',
  CWD: '250 500 501 502 421 530 550',
  CDUP: '200 500 501 502 421 530 550',
  SMNT: '202 250 500 501 502 421 530 550',
  REIN: '120 220 421 500 502',
  QUIT: '221 500',
  PORT: '200 500 501 421 530',
  PASV: '227 500 501 502 421 530',
  MODE: '200 500 501 504 421 530',
  TYPE: '200 500 501 504 421 530',
  STRU: '200 500 501 504 421 530',
  ALLO: '200 202 500 501 504 421 530',
  REST: '500 501 502 421 530 350',
  STOR: STORING,
  STOU: STORING,
  RETR: '125 150 226 250 425 426 451 450 550 500 501 421 530',
  LIST: LISTING,
  NLST: LISTING,
  APPE: `${STORING} 550 502`,
  RNFR: '450 550 500 501 502 421 530 350',
  RNTO: '250 532 553 500 501 502 503 421 530',
  DELE: '250 450 550 500 501 502 421 530',
  RMD: '250 500 501 502 421 530 550',
  MKD: '257 500 501 502 421 530 550',
  PWD: '257 500 501 502 421 550',
  ABOR: '225 226 500 501 502 421',
  SYST: '215 500 501 502 421',
  STAT: '211 212 213 450 500 501 502 421 530',
  HELP: '211 214 500 501 502 421',
  SITE: '200 202 500 501 530',
  NOOP: '200 500 421',
};

/**
 * Whether somebody who reads section 5.4 and our page expects this reply to this line: it is listed there, or said on the
 * page, of every command or of this one. What other documents define has lists of its own.
 */
export function isForeseen(line: string, code: number): boolean {
  const [, verb = '', word = ''] = /^(\S+)(?: (\S+))?/.exec(line) ?? [];
  const command = COMMANDS.find((one) => one.verb === verb || one.aliases?.includes(verb));
  const listed = LISTED[command?.verb ?? verb];
  if (listed === undefined || command === undefined) return true;
  const subcommand = command.subcommands?.find((one) => one.verb === `${verb} ${word}`.toUpperCase());
  const said = [listed, COMMON_REPLIES, command.note, subcommand?.note].join(' ');
  return new RegExp(`\\b${code}\\b`).test(said);
}

/** The commands that section 5.4 has a list for. */
export const LISTED_VERBS = Object.keys(LISTED);
