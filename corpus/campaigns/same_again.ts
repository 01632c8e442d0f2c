/** One replay of a case under a plan, in this process, with its canonical log: what determinism is about. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PlanDecider } from '../../faults/decider.ts';
import { parseRule } from '../../faults/parse.ts';
import { nativePath } from '../../native/load.ts';
import { hasFired } from '../../replayer/injected.ts';
import { replay } from '../../replayer/replay.ts';
import type { Case } from '../../rig/cases/case.ts';
import { readFolder } from '../../rig/cases/folder.ts';
import { chooseServer } from '../../rig/cases/server.ts';

/** Plans of each transport: none, errors of calls or CQEs, and teardowns with requests in flight. */
export const PLANS: Record<'device' | 'ring', readonly (readonly string[])[]> = {
  device: [
    [],
    ['READ,LOOKUP:read=EINTR:when=2..20+3', 'GETATTR:write=EFAULT:when=2'],
    ['abort:at=delivered:when=25'],
    ['restart:at=reply-write:when=20'],
    ['sigterm:at=delivered:when=12'],
    ['LOOKUP:write=EFAULT:phase=run:when=3'],
  ],
  ring: [
    [],
    ['cqe=EAGAIN:when=30', 'GETATTR:commit=EINTR:when=2'],
    ['abort:at=cqe-before-commit:when=25'],
    ['restart:at=commit:when=20'],
    ['sigterm:at=registered:when=3'],
    ['register=EINVAL:when=2'],
  ],
};

export interface Playable {
  readonly one: Case;
  readonly command: string[];
}

/** From the sources, and from dist alike. */
const FOLDER = fileURLToPath(
  new URL(
    import.meta.url.includes('/dist/') ? '../../../corpus/cases' : '../cases',
    import.meta.url,
  ),
);

/** A case of the corpus, or why it cannot be played here. */
export function loadCase(name: string): Playable | string {
  const { cases } = readFolder(join(FOLDER, name));
  const one = cases[0];
  if (one === undefined) return `no case in ${FOLDER}`;
  const chosen = chooseServer(one, undefined, nativePath('fuse-rig-server'));
  return 'skip' in chosen ? chosen.skip : { one, command: chosen.command };
}

export async function playOnce({ one, command }: Playable, faults: readonly string[]) {
  const lines: string[] = [];
  const { seed: _, uniqueBase: __, ...how } = one.options;
  const decider = faults.length === 0 ? undefined : new PlanDecider(faults.map(parseRule));
  const result = await replay(
    { capture: one.capture, command, ...how, faults, logLine: (line) => lines.push(line) },
    { progress: () => {}, stops: () => 0, started: () => {} },
    decider,
  );
  return { lines, log: result.log, fired: result.plan.every(hasFired), findings: result.findings };
}
