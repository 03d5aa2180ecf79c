/** How data end, which decides whether a file is whole. */

/** How a sender ended its data: provably complete, or merely over. */
export type DataEnd = 'authenticated' | 'unauthenticated';
