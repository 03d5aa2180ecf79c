/** Inboxes: the directories in which one thing is said of intake, with all that lies below them. */
import { parentOf, ROOT, type VirtualPath } from '../protocol/virtual-path.ts';
import type { IntakeOptions } from './intake-directive.ts';

/**
 * The inbox that a directory belongs to: the highest directory from which down to it the same is said. What is published in
 * one inbox is handed on in its order.
 */
export async function inboxOf(
  directory: VirtualPath,
  said: (directory: VirtualPath) => Promise<IntakeOptions>,
): Promise<VirtualPath> {
  const here = JSON.stringify(await said(directory));
  let inbox = directory;
  while (inbox !== ROOT) {
    const above = parentOf(inbox);
    if (JSON.stringify(await said(above)) !== here) break;
    inbox = above;
  }
  return inbox;
}
