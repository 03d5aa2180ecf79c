/**
 * Has the disk begin with a long upload before its end. What is synced only then is all still in memory, and the client waits for the
 * disk as long again as for everything before.
 */

/** Bytes that are worth a sync of their own: each takes the disk's own cache along. */
export const STRETCH_BYTES = 67_108_864;

/**
 * Syncs of all files under way in this process: one at most, since each holds one of the few threads of the pool for as long as the disk
 * takes. Whoever does not get it has its bytes synced at its end, or with a later stretch.
 */
let isTaken = false;

/** The part of one file that is on the disk already. Nothing is promised by it: the sync at the end is what counts. */
export class WriteBehind {
  readonly #sync: () => Promise<void>;
  #syncedBytes: number;
  #underWay: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  /**
   * @param sync waits until the disk has all that was written.
   * @param startBytes what the file had before.
   */
  constructor(sync: () => Promise<void>, startBytes: number) {
    this.#sync = sync;
    this.#syncedBytes = startBytes;
  }

  /** To be called when the file has been written up to here. @throws the failure of a sync, which the kernel tells once. */
  wrote(positionBytes: number): void {
    this.#check();
    if (isTaken || positionBytes - this.#syncedBytes < STRETCH_BYTES) return;
    isTaken = true;
    this.#underWay = this.#sync()
      .then(
        () => {
          this.#syncedBytes = positionBytes;
        },
        (error: unknown) => {
          this.#failure = { error };
        },
      )
      .finally(() => {
        isTaken = false;
      });
  }

  /** Waits for what is under way: the file may not be closed before. @throws the failure of a sync. */
  async settled(): Promise<void> {
    await this.#underWay;
    this.#check();
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
