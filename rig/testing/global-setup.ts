/** Runs once before all tests: gets the servers that the corpus needs, when the corpus is there. */
import { existsSync } from 'node:fs';
import type { TestProject } from 'vitest/node';

const SERVERS = new URL('../../corpus/servers/setup.ts', import.meta.url);

type Teardown = () => void | Promise<void>;
interface Setup {
  /** As vitest's globalSetup: returns what undoes it, or nothing. */
  default(project: TestProject): Promise<Teardown | undefined> | Teardown | undefined;
}

export default async function setup(project: TestProject): Promise<Teardown | undefined> {
  if (!existsSync(SERVERS)) return undefined;
  const servers = (await import(SERVERS.href)) as Setup;
  return await servers.default(project);
}
