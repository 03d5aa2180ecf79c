/** How files are kept on disk, and the gateway's own log. */
import { z } from 'zod';

/** How files are kept on disk. Modes are octal text: a YAML number such as 0640 would be read as decimal. */
export const storageOptions = z.strictObject({
  /** Permission bits of published files: the gateway reads and writes, its group reads, others see nothing. */
  fileMode: z
    .string()
    .regex(/^0?[67][0-7]{2}$/, { error: "must be octal text such as '0640', with reading and writing for the owner" })
    .default('0640'),
  /** Permission bits of directories that clients make. */
  directoryMode: z
    .string()
    .regex(/^0?7[0-7]{2}$/, { error: "must be octal text such as '0750', with every right for the owner" })
    .default('0750'),
  /**
   * Whether 226 waits until file and directory are on the disk; without it a power cut can lose an acknowledged file.
   */
  sync: z.boolean().default(true),
  /** Processes for accounts with `run_as: user`, one for each user; protects memory. */
  workersMax: z.int().min(1).max(10_000).default(64),
  /** How long such a process stays when nothing is asked of it. */
  workerIdleMs: z.int().min(100).max(86_400_000).default(30_000),
});

/** The gateway's own log. */
export const logOptions = z.strictObject({
  /** `info` has logins, transfers and refusals; `debug` adds every command. */
  level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  /** `auto` is `pretty` on a terminal and `json` elsewhere. */
  format: z.enum(['auto', 'json', 'pretty']).default('auto'),
});

/** The permission bits that octal text such as `0640` stands for. */
export function modeBits(octal: string): number {
  return Number.parseInt(octal, 8);
}
