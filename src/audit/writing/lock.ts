/**
 * One writer: a numbered file says who it is, `lock.7`. Numbers only grow, and who takes over removes the older file, so
 * that a writer whose file is gone knows that it is none any more. That is asked behind every sync, before anything is
 * acknowledged: even a lock that was taken to be stale by mistake loses no record.
 */
import { randomBytes } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, ifThere } from '../../lib/error-code.ts';
import type { AuditIo } from './disk.ts';

/** The log is in use, or was taken over by another process. */
export class LogLocked extends Error {
  override readonly name = 'LogLocked';
}

/** The right to write to a log. */
export interface LogLock {
  /** @throws LogLocked when another process has taken the log over. */
  assertHeld(): Promise<void>;
  release(): Promise<void>;
}

/** What the file is called when its writer has let go. It keeps its number, so that none is given twice. */
const FREE = '.free';

/** Takes the lock of a directory. @throws LogLocked when a process that lives has it. */
export async function takeLock(directory: string, io: AuditIo): Promise<LogLock> {
  const me = await ownerOf('self');
  const before = await locksIn(directory, io);
  const last = before.at(-1)?.number ?? 0;
  if (before.at(-1)?.free === false) await refuseIfHeld(join(directory, `lock.${last}`), io);
  const mine = join(directory, `lock.${last + 1}`);
  // By a link, so that the file is there with what it says, and is there once.
  const staged = join(directory, `lock-${randomBytes(6).toString('hex')}`);
  try {
    await writeText(staged, `${JSON.stringify(me)}\n`, io);
    await io.link(staged, mine);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) throw new LogLocked(`another process is opening the audit log ${directory}`);
    throw error;
  } finally {
    // A name that nobody asks for: it is in nobody's way.
    await io.rm(staged, { force: true }).catch(() => undefined);
  }
  try {
    await settle(directory, last + 1, io);
  } catch (error) {
    await io.rm(mine, { force: true }).catch(() => undefined);
    throw error;
  }
  return {
    async assertHeld() {
      if ((await ifThere(io.stat(mine))) === undefined)
        throw new LogLocked('another process has taken the audit log over');
    },
    async release() {
      // Renaming takes no room on a full disk; when not even that can be done, removing it may.
      await io.rename(mine, `${mine}${FREE}`).catch(() => io.rm(mine, { force: true }));
    },
  };
}

/** Gives way to whoever has a higher number, and removes the lower ones. */
async function settle(directory: string, number: number, io: AuditIo): Promise<void> {
  const locks = await locksIn(directory, io);
  if (locks.at(-1)?.number !== number) {
    throw new LogLocked(`another process is opening the audit log ${directory}`);
  }
  for (const older of locks.slice(0, -1)) await io.rm(join(directory, older.name), { force: true });
}

/** A process, so that another one that got its number later is not taken for it. */
interface Owner {
  readonly pid: number;
  /** When it started, in ticks since the machine did; empty where the system does not say. */
  readonly started: string;
  readonly boot: string;
  /** The namespace that its number belongs to: containers count for themselves. */
  readonly namespace: string;
}

async function ownerOf(who: 'self' | number): Promise<Owner> {
  const stat = await textOf(`/proc/${who}/stat`);
  // Behind the program's name, which may hold anything: the state, and the start as the 20th field (proc_pid_stat(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A zombie was killed and holds nothing any more.
  const started = fields[0] === 'Z' || fields[0] === 'X' ? 'ended' : (fields[19] ?? '');
  const boot = (await textOf('/proc/sys/kernel/random/boot_id')).trim();
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '');
  return { pid: who === 'self' ? process.pid : who, started, boot, namespace };
}

async function refuseIfHeld(file: string, io: AuditIo): Promise<void> {
  const text = await io.readFile(file, 'utf8');
  const holder = parsedOwner(text);
  // A power loss may leave an empty file; whoever wrote it is gone with the power.
  if (holder === undefined) return;
  const now = await ownerOf(holder.pid);
  if (holder.boot !== now.boot || holder.namespace !== now.namespace) return;
  const alive = now.started === '' ? isAlive(holder.pid) && holder.started === '' : now.started === holder.started;
  if (alive) throw new LogLocked(`the audit log is in use by process ${holder.pid} (${file})`);
}

function parsedOwner(text: string): Owner | undefined {
  try {
    const { pid, started, boot, namespace }: Partial<Owner> = JSON.parse(text);
    if (typeof pid !== 'number' || typeof started !== 'string' || typeof boot !== 'string') return undefined;
    return { pid, started, boot, namespace: String(namespace) };
  } catch {
    // Not what a holder writes.
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}

async function locksIn(directory: string, io: AuditIo) {
  const names = await io.readdir(directory);
  const locks = names.flatMap((name) => {
    const [, number, free] = /^lock\.([1-9][0-9]*)(\.free)?$/.exec(name) ?? [];
    return number === undefined ? [] : [{ name, number: Number(number), free: free !== undefined }];
  });
  return locks.sort((a, b) => a.number - b.number);
}

async function textOf(path: string): Promise<string> {
  // Not every system has /proc.
  return readFile(path, 'utf8').catch(() => '');
}

async function writeText(path: string, text: string, io: AuditIo): Promise<void> {
  const handle = await io.open(path, 'w', 0o600);
  try {
    await handle.writeFile(text);
  } finally {
    await handle.close();
  }
}
