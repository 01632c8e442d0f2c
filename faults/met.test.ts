/** A quota that is set is one thing, and a server that meets it another: what a run says of both. */
import { describe, expect, it } from 'vitest';
import { EXIT } from '../rig/engine/exit_codes.ts';
import { findingsCode } from '../rig/engine/outcome.ts';
import { injectedWords, ruleLine } from '../rig/report/injected-words.ts';
import { isRing, needsRings, type Played, play, type ServerName } from './testing/play.ts';

/** What was met, call by call. */
const met = ({ injected }: Played) => injected.filter(({ at }) => at === 'call').map(injectedWords);
const progress = ({ findings }: Played) => findings.find(({ check }) => check === 'progress')?.text;

describe('a quota that is met', () => {
  it('of descriptors: every open that fails for it, and where first', async () => {
    const rule = 'OPEN,CREATE:fds=0:at=asked:until=1:when=1';
    const run = await play([rule], 'files');
    const [result] = run.plan;
    expect(result).toMatchObject({ fired: 1, met: 1, firstMet: { opcode: 'OPEN' } });
    expect(result?.firstMet?.request).toBe(result?.first?.request);
    const request = result?.first?.request;
    expect(result && ruleLine(result)).toBe(
      `${rule} fired once, at request ${request} OPEN; met once, at request ${request} OPEN`,
    );
    expect(met(run)).toEqual([expect.stringMatching(/ at call OPEN #\d+ = -EMFILE \(INJECTED\)$/)]);
    expect(progress(run)).toMatch(/^recovered: 1 requests failed for what it lacked, none of the/);
  });

  it.for([
    ['memory=0:at=before-init', 'together', 1, '= -ENOMEM'],
    ['memory=0:at=before-init', 'ring', 1, '= -ENOMEM'],
    // No limit at all: can_do_mlock() says EPERM.
    ['locked=0:at=before-init', 'pinned', 1, '= -EPERM'],
    ['locked=400000:at=before-init', 'pinned', 0, '= -ENOMEM'],
    ['space=0:at=asked', 'files', 0, '= -ENOSPC'],
    ['mappings=0:at=before-init', 'ring', 1, '= -ENOMEM'],
    ['backing-files=0:at=asked', 'handed', 0, '= -ENOSPC'],
  ] as [string, ServerName, number, string][])(
    '%s, by the server %s',
    async ([rule, server, exit, errno], context) => {
      if (isRing(server)) needsRings(context);
      const run = await play([rule], server);
      expect(run.plan[0]?.met).toBeGreaterThan(0);
      expect(met(run).length).toBe(run.plan[0]?.met);
      expect(met(run)[0]).toContain(errno);
      expect({ against: run.against, code: run.exit?.code }).toEqual({ against: [], code: exit });
    },
  );
});

describe('a quota that is never met', () => {
  it.for([
    ['fds=100:at=asked', 'files'],
    // A thread reserves 128 MiB for what it allocates.
    ['memory=10000000000:at=asked', 'together'],
    ['locked=100000000:at=asked', 'pinned'],
    ['space=20480:at=asked', 'files'],
    ['mappings=500:at=asked', 'together'],
    ['processes=50:at=asked', 'device'],
    // The ring of this server is asked for nothing but FUSE commands.
    ['fds=100:at=asked', 'ring'],
  ] as [string, ServerName][])('%s, by the server %s', async ([rule, server], context) => {
    if (isRing(server)) needsRings(context);
    const run = await play([rule], server);
    const [result] = run.plan;
    expect(result).toMatchObject({ fired: 1, met: 0 });
    if (server === 'pinned') {
      // Buffers that a ring registers are nobody's to see.
      expect(result && ruleLine(result)).toContain('whether it was met is not known: what a ring');
      return;
    }
    expect(result && ruleLine(result)).toContain('NEVER MET: set once, at request 2 ');
    expect(findingsCode(run.findings, run.plan)).toBe(EXIT.inconclusive);
  });
});

it('a server that meets a quota and says nothing is told of', async () => {
  const rule = 'READDIRPLUS:fds=2:at=asked:until=1';
  const run = await play([rule], 'files', { bug: 'emfile-drops-entries' });
  expect(progress(run)).toMatch(/^no request failed for what it lacked, which it met \d+ times/);
});
