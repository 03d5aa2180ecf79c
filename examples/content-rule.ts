/**
 * A check of contents in TypeScript: a CSV file is published only when each of its lines has as many fields as the first. The
 * partner reads which line is wrong; what is refused is destroyed, and nothing of it was ever to be seen.
 *
 * Run: `npx sallyport cert dev` once, then `node content-rule.ts`. The files are in ./files, what the gateway must remember in ./state.
 */
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createGateway, defineGate, hashPassword, Secret } from 'sallyport';

/** A line that is longer is no line of a table, and is not kept in memory to find out. */
const LINE_BYTES_MAX = 65_536;

const csv = defineGate({
  name: 'csv',
  deadlineMs: 30_000,
  async inspect({ path, content }) {
    // What this gate does not know it leaves to others; the contents need not be read then.
    if (!path.toLowerCase().endsWith('.csv')) return { verdict: 'pass' };
    let expected: number | undefined;
    let line = 0;
    let rest = '';
    const wrong = (text: string) => {
      line += 1;
      const fields = text.split(';').length;
      expected ??= fields;
      return fields !== expected;
    };
    const refusal = () => {
      const reason = `line ${line} has not ${expected} fields`;
      return { verdict: 'refuse', reason, told: `Not published: ${reason}.` } as const;
    };
    for await (const piece of content) {
      const lines = (rest + piece.toString('latin1')).split('\n');
      rest = lines.pop() ?? '';
      for (const text of lines) if (wrong(text)) return refusal();
      if (rest.length > LINE_BYTES_MAX) return { verdict: 'refuse', reason: `line ${line + 1} is too long` };
    }
    return rest !== '' && wrong(rest) ? refusal() : { verdict: 'pass', detail: `${line} lines` };
  },
});

const home = resolve('files');
await mkdir(join(home, 'in'), { recursive: true });
const gateway = createGateway(
  {
    listen: [{ port: Number(process.env.PORT ?? 2121) }],
    tls: { certificateFile: 'certs/server.crt', keyFile: 'certs/server.key' },
    stateDirectory: resolve('state'),
    users: [
      {
        name: 'acme',
        passwordHash: await hashPassword(new Secret('correct horse battery')),
        home,
        permissions: 'elrw',
        directories: [{ path: '/in', recursive: true, intake: { gates: ['csv'], onRefused: 'destroy' } }],
      },
    ],
  },
  { gates: [csv] },
);
await gateway.start();
console.log('Listening on', gateway.addresses);
