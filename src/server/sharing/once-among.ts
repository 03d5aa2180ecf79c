/** What several notice and only one of them is to tell. */

/**
 * Knows who has noticed what. Whoever notices something first is told so; for those who notice the same behind it, it is no news.
 * When one of them notices it again, it has happened again.
 */
export class OnceAmong<Who> {
  readonly #noticed = new Map<string, Set<Who>>();

  /** Whether this is the first that is heard of it. */
  isFirst(who: Who, what: string): boolean {
    const by = this.#noticed.get(what);
    if (by !== undefined && !by.has(who)) {
      by.add(who);
      return false;
    }
    this.#noticed.delete(what);
    this.#noticed.set(what, new Set([who]));
    for (const oldest of this.#noticed.keys()) {
      if (this.#noticed.size <= NOTICED_MAX) break;
      this.#noticed.delete(oldest);
    }
    return true;
  }

  /** Forgets what nobody else has noticed: should it happen again, nobody would be left to notice it a second time. */
  leave(who: Who): void {
    for (const [what, by] of this.#noticed) {
      by.delete(who);
      if (by.size === 0) this.#noticed.delete(what);
    }
  }
}

/** Things that are remembered; each change of a file is one. */
const NOTICED_MAX = 1_024;
