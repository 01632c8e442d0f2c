/**
 * Bugs of a server that a live run must find, each by the check that is for it, and the clean server by none:
 * live's checks are able to fail. `npm run campaign:live` has more, and real servers.
 */
import { describe, expect, it } from 'vitest';
import { cannotRecord } from '../../rig/testing/bench_words.ts';
import { whyNotOffered } from '../../rig/testing/offer_ring.ts';
import { liveRun, MUTANTS } from './mutants.ts';
import { failed, runLive } from './run.ts';

const HERE = MUTANTS.filter(({ apart }) => apart !== true);
const whyNot = (row: { server?: readonly string[] }) =>
  cannotRecord() ?? (row.server?.includes('ring') ? whyNotOffered() : undefined);

describe('on a real mount', { timeout: 90_000 }, () => {
  it.for(HERE)('$bug is found: $check', async (row, context) => {
    context.skip(whyNot(row) !== undefined, whyNot(row));
    const outcome = await runLive(liveRun(row, row.bug));
    const found = outcome.findings.filter(({ verdict }) => verdict === 'fail');
    expect(
      found.map(({ check }) => check),
      outcome.stderr,
    ).toContain(row.check);
    expect(outcome).toMatchObject({ wrong: [], code: 1 });
  });

  const ways = new Map(HERE.map((row) => [`${row.scene} ${(row.server ?? []).join(' ')}`, row]));
  it.for([...ways])('%s: nothing is found of the clean server', async ([, row], context) => {
    context.skip(whyNot(row) !== undefined, whyNot(row));
    const outcome = await runLive(liveRun(row, ''));
    expect(failed(outcome), outcome.stderr).toEqual([]);
    expect(outcome).toMatchObject({ code: 0, wrong: [], ended: 'workload', workload: 'exit 0' });
  });
});
