/** The gateway's log, written by pino: JSON for machines, readable lines for a terminal. */
import type { DestinationStream } from 'pino';
import { pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { printable } from '../lib/printable.ts';
import type { Log, LogFields } from '../spi/log.ts';

/** How the log looks; `auto` is readable on a terminal and JSON elsewhere. */
export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly format: 'auto' | 'json' | 'pretty';
}

/**
 * A log that writes to `destination` (standard output by default). Every string in it has its control, bidi and invisible
 * characters escaped, whoever chose them; secrets print as `[secret]`.
 */
export function createLogger(
  options: LogOptions,
  destination: DestinationStream & { isTTY?: boolean } = process.stdout,
): Log {
  const pretty = options.format === 'pretty' || (options.format === 'auto' && destination.isTTY === true);
  const stream = pretty ? readable(destination) : destination;
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      // Names, since people and their tools search for them; pino's own numbers mean nothing elsewhere.
      formatters: { level: (level) => ({ level }) },
    },
    stream,
  );
  const write: Write = (level, event, common, fields) => {
    // Whole dialogues are told at the debug level: what nobody reads must not cost the cleaning of its text.
    if (logger.isLevelEnabled(level)) logger[level](cleanFields({ ...common, ...fields }), event);
  };
  return wrap(write, {});
}

/** Turns each JSON line into one that people read, as it is written: nothing is lost when the process ends. */
function readable(destination: DestinationStream & { isTTY?: boolean }): DestinationStream {
  const format = prettyFactory({
    colorize: destination.isTTY === true,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
  });
  return { write: (line) => destination.write(format(line)) };
}

type Level = LogOptions['level'];
type Write = (level: Level, event: string, common: LogFields, fields: LogFields | undefined) => void;

function wrap(write: Write, common: LogFields): Log {
  const entry = (level: Level) => (event: string, fields?: LogFields) => write(level, event, common, fields);
  return {
    debug: entry('debug'),
    info: entry('info'),
    warn: entry('warn'),
    error: entry('error'),
    with: (fields) => wrap(write, { ...common, ...fields }),
  };
}

/** How deep causes and objects are told: an error may be its own cause. */
const DEPTH_MAX = 8;

function cleanFields(fields: LogFields, depth = 0): LogFields {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, clean(value, depth)]));
}

/** The value with its text made safe. What cannot be looked at, as an error whose stack throws, is told as such. */
function clean(value: unknown, depth: number): unknown {
  if (depth > DEPTH_MAX) return '[too deep]';
  try {
    return cleaned(value, depth);
  } catch {
    return '[unreadable]';
  }
}

function cleaned(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return printable(value);
  if (value instanceof Error) {
    const cause = value.cause === undefined ? {} : { cause: clean(value.cause, depth + 1) };
    // A stack is our own text but its first line repeats the message; line ends are kept, other controls are not.
    const stack = value.stack?.split('\n').map(printable).join('\n');
    return { type: value.name, message: printable(value.message), stack, ...cause };
  }
  if (Array.isArray(value)) return value.map((item) => clean(item, depth + 1));
  if (value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    return cleanFields(Object.fromEntries(Object.entries(value)), depth + 1);
  }
  return value;
}
