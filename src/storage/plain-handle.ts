/** An open descriptor that a thread has opened, with what local storage asks of a `FileHandle`, which Node makes only where it opens itself. */
import { close, fchmod, fdatasync, fsync, readv, writev } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

/** What local storage asks of an upload in progress. */
export type StagedHandle = Pick<FileHandle, 'fd' | 'chmod' | 'sync' | 'datasync' | 'close'> & ReadHandle & WriteHandle;

/** What is read from. */
export interface ReadHandle {
  readv(buffers: readonly Buffer[], positionBytes: number): Promise<{ readonly bytesRead: number }>;
}

interface WriteHandle {
  writev(buffers: readonly Buffer[], positionBytes: number): Promise<{ readonly bytesWritten: number }>;
}

/** See above. Each call goes through the thread pool. */
export class PlainHandle implements StagedHandle {
  readonly fd: number;

  constructor(fd: number) {
    this.fd = fd;
  }

  readv(buffers: readonly Buffer[], positionBytes: number) {
    return new Promise<{ bytesRead: number }>((resolve, reject) =>
      readv(this.fd, buffers, positionBytes, (error, bytesRead) => (error ? reject(error) : resolve({ bytesRead }))),
    );
  }

  writev(buffers: readonly Buffer[], positionBytes: number) {
    return new Promise<{ bytesWritten: number }>((resolve, reject) =>
      writev(this.fd, buffers, positionBytes, (error, bytesWritten) =>
        error ? reject(error) : resolve({ bytesWritten }),
      ),
    );
  }

  chmod(mode: number): Promise<void> {
    return settled((done) => fchmod(this.fd, mode, done));
  }

  sync(): Promise<void> {
    return settled((done) => fsync(this.fd, done));
  }

  datasync(): Promise<void> {
    return settled((done) => fdatasync(this.fd, done));
  }

  close(): Promise<void> {
    return settled((done) => close(this.fd, done));
  }
}

function settled(call: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => call((error) => (error ? reject(error) : resolve())));
}
