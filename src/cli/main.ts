#!/usr/bin/env node
/** The `sallyport` executable: checks the runtime, then hands the command line to `program.ts`. */
import { processTerminal } from './terminal.ts';

/** The oldest major version of Node that has what we need (argon2 in node:crypto). */
const NODE_MAJOR_MIN = 24;

if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR_MIN) {
  process.stderr.write(
    `sallyport: this is Node ${process.versions.node}; Sallyport needs Node ${NODE_MAJOR_MIN} or newer.\n`,
  );
  process.exitCode = 2;
} else {
  // Imported only now: an older Node would fail on the first module that it cannot load, with a stack for a message.
  const { runProgram } = await import('./program.ts');
  process.exitCode = await runProgram(process.argv.slice(2), processTerminal());
}
