/**
 * What must hold of every fault in the list: that it is said where it means something and why it is
 * possible, that its rules are refused elsewhere, and that a real server meets it, twice in the same way.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { TEARDOWNS } from '../rig/decider.ts';
import type { Fault } from './fault.ts';
import { FAULTS } from './list.ts';
import { parseRule } from './parse.ts';
import { POINTS } from './points.ts';
import { ruleText } from './rule.ts';
import { needsRings, type Played, play, type ServerName } from './testing/play.ts';

/** A rule of each fault that comes true with this server, and how the server ends. */
const EXAMPLES: Record<string, { rule: string; server: ServerName; exit?: number | null }> = {
  read: { rule: 'read=EINTR:when=3..9+2', server: 'device' },
  'splice-read': { rule: 'READ:splice-read=EINTR', server: 'splice' },
  write: { rule: 'LOOKUP:write=EFAULT:when=2', server: 'device' },
  'splice-write': { rule: 'GETATTR:splice-write=EIO', server: 'splice' },
  ioctl: { rule: 'ioctl=EPERM:when=1', server: 'backing' },
  clone: { rule: 'clone=ENOMEM', server: 'clones', exit: 1 },
  mount: { rule: 'mount=EPERM', server: 'device', exit: 1 },
  'ring-setup': { rule: 'ring-setup=ENOMEM', server: 'ring' },
  register: { rule: 'register=ENOMEM:when=2', server: 'ring' },
  cqe: { rule: 'READ:cqe=ENOTCONN', server: 'ring' },
  commit: { rule: 'WRITE:commit=EAGAIN', server: 'ring' },
  unmount: { rule: 'unmount:at=init-replied', server: 'device' },
  lazy: { rule: 'WRITE:lazy:at=delivered', server: 'device' },
  force: { rule: 'READ:force:at=reply-write', server: 'device' },
  abort: { rule: 'abort:at=cqe-before-commit:when=2', server: 'ring' },
  device: { rule: 'device=twice:at=commit:when=5', server: 'ring' },
  'clone-loss': { rule: 'clone-loss:at=delivered:when=9', server: 'clones' },
  sigterm: { rule: 'sigterm:at=delivered:when=7', server: 'device' },
  sigint: { rule: 'sigint:at=daemonized', server: 'daemon' },
  sigkill: { rule: 'sigkill:at=before-init-reply', server: 'device', exit: null },
  restart: { rule: 'restart:at=delivered:when=7', server: 'device' },
};

it('has a run for every fault, and none for others', () => {
  expect(Object.keys(EXAMPLES).sort()).toEqual(FAULTS.map(({ name }) => name).sort());
});

it('names every teardown that a session can carry out', () => {
  const names = FAULTS.filter(({ kind }) => kind === 'teardown').map(({ name }) => name);
  expect(names.sort()).toEqual([...TEARDOWNS].sort());
});

/** `function()` of the kernel, or a system call with its section. */
const SOURCE = /\w+\(\)|\b\w+\(2\)/;

describe.each(FAULTS.map((fault) => ({ name: fault.name, fault })))('$name', ({ name, fault }) => {
  it('says what happens in a line, and where it means something', () => {
    expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(fault.does).toMatch(/^[^\n.]{10,90}$/);
    expect(fault.transports.length).toBeGreaterThan(0);
  });

  it('names the source in the kernel of what is possible', () => {
    const rows = fault.kind === 'result' ? fault.errnos : [fault];
    for (const { possible } of rows) if (possible !== undefined) expect(possible).toMatch(SOURCE);
    if (fault.kind !== 'result') return;
    const errnos = fault.errnos.map(({ errno }) => errno);
    expect(new Set(errnos).size).toBe(errnos.length);
  });

  it('has rules that print back, and is refused on a transport where it means nothing', () => {
    for (const text of rulesOf(fault)) expect(ruleText(parseRule(text))).toBe(text);
    for (const transport of ['device', 'ring'] as const) {
      const text = `${rulesOf(fault)[0]}:transport=${transport}`;
      if (fault.kind === 'result' && !fault.transports.includes(transport)) {
        expect(() => parseRule(text)).toThrow(/means nothing on the/);
      } else if (fault.kind === 'result') expect(ruleText(parseRule(text))).toBe(text);
    }
  });

  describe('met by a real server', () => {
    const { rule, server, exit = 0 } = EXAMPLES[name] as (typeof EXAMPLES)[string];
    let runs: Played[] = [];
    beforeAll(async () => {
      runs = [await play([rule], server), await play([rule], server)];
    });

    it('comes true, and is an event each time', (context) => {
      if (server === 'ring') needsRings(context);
      const [run] = runs as [Played];
      const [result] = run.plan;
      expect(result?.fired).toBeGreaterThan(0);
      expect(run.injected).toHaveLength(result?.fired ?? 0);
      for (const event of run.injected) expect(event).toMatchObject({ fault: name, text: rule });
    });

    it('gives nobody a reason to accuse the server', (context) => {
      if (server === 'ring') needsRings(context);
      for (const { against, exit: ended } of runs) {
        expect({ against, code: ended?.code }).toEqual({ against: [], code: exit });
      }
    });

    it('gives the same canonical log again', (context) => {
      if (server === 'ring') needsRings(context);
      const [first, second] = runs as [Played, Played];
      expect(second.lines).toEqual(first.lines);
      expect(second.log).toBe(first.log);
      expect(first.lines.join('\n')).toContain(`rule 1 ${rule} fired `);
    });
  });
});

function rulesOf(fault: Fault): string[] {
  if (fault.kind === 'result') return fault.errnos.map(({ errno }) => `${fault.name}=${errno}`);
  return POINTS.map((point) => `${fault.name}:at=${point.name}`);
}
