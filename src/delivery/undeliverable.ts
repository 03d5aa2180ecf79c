/** What ends a delivery at once, whatever is left of its attempts. */

/** A file that no later attempt could hand on either; the message says why. */
export class Undeliverable extends Error {
  override readonly name = 'Undeliverable';
}
