/** `sallyport compliance`: what a configuration says to the items of security frameworks, and nothing beyond that. */
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { FRAMEWORK_IDS, type FrameworkId } from '../compliance/check.ts';
import { gatherFacts } from '../compliance/facts.ts';
import { FRAMEWORKS } from '../compliance/frameworks.ts';
import { complianceReport, type Report } from '../compliance/report.ts';
import { complianceHtml } from '../compliance/report-html.ts';
import { complianceJson, complianceText, countsText } from '../compliance/report-text.ts';
import { systemClock } from '../lib/clock.ts';
import { auditDirectory } from '../server/audit.ts';
import { optionsDigest } from '../server/options-digest.ts';
import { packageVersion } from '../server/package-version.ts';
import { CommandFailure } from './command-failure.ts';
import { CONFIG_FILE, requireConfiguration } from './configuration.ts';
import { filesRead, runningConfiguration } from './running-configuration.ts';
import type { Terminal } from './terminal.ts';
import { writeWholeFile } from './whole-file.ts';

/** The narrowest terminal that is laid out for, and the widest: longer lines are hard to read. */
const COLUMNS_MIN = 60;
const COLUMNS_MAX = 100;
const COLUMNS_DEFAULT = 80;

interface ReportFlags {
  readonly config: string;
  readonly framework?: FrameworkId;
  readonly json?: true;
  readonly html?: string;
}

/** Adds `compliance` to the program. */
export function addComplianceCommand(program: Command, terminal: Terminal): void {
  const compliance = program
    .command('compliance')
    .summary('hold a configuration against items of PCI DSS, HIPAA and NIST publications');
  compliance
    .command('report')
    .summary('what the configuration decides, item by item, with what was seen')
    .description(
      'Evaluates a configuration, and what can be seen beside it, against items of security frameworks. Starts nothing, ' +
        'and writes nothing but the file that --html names.',
    )
    .option('-c, --config <file>', 'the configuration', CONFIG_FILE)
    .addOption(new Option('-f, --framework <name>', 'this framework alone').choices(FRAMEWORK_IDS))
    .option('--json', 'as JSON, for programs')
    .addOption(new Option('--html <file>', 'write it as one HTML file, mode 0600').conflicts('json'))
    .addHelpText('after', HELP)
    .action((flags: ReportFlags) => report(flags, terminal));
}

async function report({ config, framework, json, html }: ReportFlags, terminal: Terminal): Promise<void> {
  const { options, accounts, files } = await requireConfiguration(config, terminal);
  const digest = optionsDigest(options);
  const facts = await gatherFacts({
    options,
    accounts,
    auditDirectory: auditDirectory(options),
    nowMs: systemClock.now(),
  });
  const made = complianceReport({
    facts,
    frameworks: FRAMEWORKS.filter(({ id }) => framework === undefined || id === framework),
    version: packageVersion(),
    configuration: {
      ...{ file: resolve(config), digest, running: await runningConfiguration(options, digest) },
      files: await filesRead(files.map((file) => resolve(file))),
    },
  });
  if (html === undefined) terminal.stdout.write(json ? complianceJson(made) : onTerminal(made, terminal));
  else await writeHtml(html, made, terminal);
  const { fail } = made.counts;
  if (fail > 0) throw new CommandFailure('failure', `${fail} ${fail === 1 ? 'item fails' : 'items fail'}.`);
}

function onTerminal(made: Report, { stdout }: Terminal): string {
  // A terminal that does not know its width says 0.
  const columns = Math.min(Math.max(stdout.columns || COLUMNS_DEFAULT, COLUMNS_MIN), COLUMNS_MAX);
  return complianceText(made, { columns, colour: stdout.isTTY === true && !process.env.NO_COLOR });
}

/** It tells what is weak: nobody but its owner reads it until the owner hands it on. */
async function writeHtml(file: string, made: Report, { stdout }: Terminal): Promise<void> {
  try {
    await writeWholeFile(file, complianceHtml(made), { mode: 0o600, existing: 'replace' });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandFailure('wrongUse', `${file} cannot be written: ${why}`, { cause: error });
  }
  stdout.write(`${file}: ${countsText(made.counts)}\n`);
}

const HELP = `
It reads the configuration with all that belongs to it, the certificates, the audit log (all of it: it is verified) and the
inventory of TLS, and says whether that is what the gateway runs with; run it as the gateway's user. An item that no configuration can decide is listed with who has to.
Compensating controls stand in the configuration, under compliance.

Examples:
  sallyport compliance report -c sallyport.yaml
  sallyport compliance report --framework pci-dss --html report.html
  sallyport compliance report --json | jq -r '.frameworks[].items[] | select(.verdict == "fail") | .id'

docs/compliance.md says what each item looks at, and what the JSON looks like.

Exit codes:
  0  no item fails
  1  some do
  2  wrong use, or the configuration is wrong`;
