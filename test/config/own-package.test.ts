/** Modules that lie where nothing is installed: what they import by the name of the package is the gateway that loads them. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { selfSigned, temporaryFolder } from './temporary-folder.ts';

const PROGRAM = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const FAULT = fileURLToPath(new URL('../../src/spi/fault.ts', import.meta.url));

const MODULE = `
import { defineDirective, defineModule, Fault, z } from 'sallyport';
import { Fault as Running } from '${FAULT}';

if (Fault !== Running) throw new Error('another copy');
const motd = defineDirective({ name: 'motd', help: 'A text.', contexts: ['server'], schema: z.string().max(9), initial: '' });
export const module = defineModule({
  name: 'motd',
  directives: [motd],
  handlers: [{ phase: 'PRE_CMD', verb: 'STOR', priority: 7, handle: () => { throw new Fault('PermissionDenied'); } }],
});
`;

async function sallyport(motd: string, ...words: readonly string[]): Promise<string> {
  const pair = selfSigned(new Date(Date.now() - 1_000), new Date(Date.now() + 86_400_000));
  const folder = await temporaryFolder({
    'server.crt': pair.certificate,
    'server.key': pair.key,
    'motd.ts': MODULE,
    'sallyport.yaml': `listen: [{ port: 2121 }]
tls: { certificate_file: server.crt, key_file: server.key }
modules: [./motd.ts]
motd: ${motd}
`,
  });
  const args = [PROGRAM, ...words, '-c', join(folder, 'sallyport.yaml')];
  return promisify(execFile)(process.execPath, args).then(
    ({ stdout }) => stdout,
    ({ stderr }) => String(stderr),
  );
}

test('a value that the module does not take is told with its place', async () => {
  expect(await sallyport('a text that is too long', 'check')).toMatch(/sallyport\.yaml:4:7 motd: /);
});

test('the module is loaded, and has its place in the chain', async () => {
  expect(await sallyport('Welcome.', 'explain', 'STOR')).toMatch(/PRE_CMD\s(?:.*\n)*?.*motd/);
});
