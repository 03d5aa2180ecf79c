/** The root of a tree that grows at its right end, at the cost of its height and not of its size. */
import { EMPTY_ROOT, nodeHash } from './merkle.ts';

/** The hashes of the whole subtrees that a tree's size falls into, the largest first: one for each bit of the size. */
export class Frontier {
  #size: number;
  readonly #peaks: Buffer[];

  /** @param peaks belong to the size; they are not checked. */
  constructor(size = 0, peaks: readonly Buffer[] = []) {
    this.#size = size;
    this.#peaks = [...peaks];
  }

  get size(): number {
    return this.#size;
  }

  add(leaf: Buffer): void {
    let hash = leaf;
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      hash = nodeHash(this.#peaks.pop() ?? EMPTY_ROOT, hash);
    }
    this.#peaks.push(hash);
    this.#size += 1;
  }

  /** The root of the tree as it is (RFC 6962 section 2.1). */
  root(): Buffer {
    return (
      this.#peaks.reduceRight<Buffer | undefined>((right, left) => (right ? nodeHash(left, right) : left), undefined) ??
      EMPTY_ROOT
    );
  }

  /** One that grows on its own. */
  copy(): Frontier {
    return new Frontier(this.#size, this.#peaks);
  }
}
