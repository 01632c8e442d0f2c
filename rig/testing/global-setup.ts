/**
 * Runs once before all tests: has the kernel offer FUSE over io_uring, and gets the servers that the
 * corpus needs, when the corpus is there.
 */
import { existsSync } from 'node:fs';
import type { TestProject } from 'vitest/node';
import { offerRing } from './offer_ring.ts';

const SERVERS = new URL('../../corpus/servers/setup.ts', import.meta.url);

type Teardown = () => void | Promise<void>;
interface Setup {
  /** As vitest's globalSetup: returns what undoes it, or nothing. */
  default(project: TestProject): Promise<Teardown | undefined> | Teardown | undefined;
}

export default async function setup(project: TestProject): Promise<Teardown> {
  const restore = offerRing();
  try {
    const undo = existsSync(SERVERS)
      ? await ((await import(SERVERS.href)) as Setup).default(project)
      : undefined;
    return async () => {
      restore();
      await undo?.();
    };
  } catch (error) {
    restore();
    throw error;
  }
}
