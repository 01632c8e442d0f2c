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
import { isRing, needsRings, type Played, play, type ServerName } from './testing/play.ts';

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
  open: { rule: 'LOOKUP:open=EMFILE:when=1', server: 'files' },
  descriptor: { rule: 'OPEN:descriptor=ENFILE:when=1', server: 'files' },
  eventfd: { rule: 'eventfd=EMFILE', server: 'ring' },
  mmap: { rule: 'mmap=ENOMEM:when=1', server: 'device', exit: 1 },
  mlock: { rule: 'mlock=ENOMEM', server: 'pinned' },
  'uring-register': { rule: 'uring-register=ENOMEM', server: 'fixed' },
  fork: { rule: 'fork=EAGAIN:when=1', server: 'device', exit: 1 },
  'backing-write': { rule: 'WRITE:backing-write=EDQUOT:when=2', server: 'files' },
  fds: { rule: 'READDIRPLUS:fds=2:at=asked:until=1', server: 'files' },
  memory: { rule: 'memory=0:at=asked:until=10:when=5', server: 'files' },
  mappings: { rule: 'mappings=0:at=before-init', server: 'ring', exit: 1 },
  locked: { rule: 'locked=1000000:at=before-init', server: 'pinned' },
  processes: { rule: 'processes=1:at=before-init', server: 'ring' },
  space: { rule: 'space=6000:at=asked:until=30', server: 'files' },
  'backing-files': { rule: 'backing-files=0:at=asked', server: 'handed' },
  hold: { rule: 'READ:hold=2:when=2', server: 'together' },
  migrate: { rule: 'migrate=1:when=3', server: 'ring' },
  interrupt: { rule: 'READ,WRITE:interrupt=early', server: 'device' },
  forgets: { rule: 'forgets=20', server: 'files' },
  malformed: { rule: 'WRITE:malformed=short', server: 'device' },
  readahead: { rule: 'readahead=4096', server: 'device' },
  'max-pages': { rule: 'max-pages=32', server: 'ring' },
  'not-offered': { rule: 'not-offered=DO_READDIRPLUS', server: 'device' },
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
    for (const possible of sourcesOf(fault)) expect(possible).toMatch(SOURCE);
    if (fault.kind !== 'result') return;
    const errnos = fault.errnos.map(({ errno }) => errno);
    expect(new Set(errnos).size).toBe(errnos.length);
  });

  it('has rules that print back, and is refused on a transport where it means nothing', () => {
    for (const text of rulesOf(fault)) expect(ruleText(parseRule(text))).toBe(text);
    for (const transport of ['device', 'ring'] as const) {
      const text = `${rulesOf(fault)[0]}:transport=${transport}`;
      // The others mean something where their point does.
      if (fault.kind === 'teardown' || fault.kind === 'quota') continue;
      if (fault.transports.includes(transport)) expect(ruleText(parseRule(text))).toBe(text);
      else expect(() => parseRule(text)).toThrow(/means nothing on the/);
    }
  });

  describe('met by a real server', () => {
    const { rule, server, exit = 0 } = EXAMPLES[name] as (typeof EXAMPLES)[string];
    let runs: Played[] = [];
    beforeAll(async () => {
      runs = [await play([rule], server), await play([rule], server)];
    });

    it('comes true, and is an event each time', (context) => {
      if (isRing(server)) needsRings(context);
      const [run] = runs as [Played];
      const [result] = run.plan;
      expect(result?.fired).toBeGreaterThan(0);
      expect(run.injected).toHaveLength((result?.fired ?? 0) + (result?.met ?? 0));
      for (const event of run.injected) expect(event).toMatchObject({ fault: name, text: rule });
    });

    it('gives nobody a reason to accuse the server', (context) => {
      if (isRing(server)) needsRings(context);
      for (const { against, exit: ended } of runs) {
        expect({ against, code: ended?.code }).toEqual({ against: [], code: exit });
      }
    });

    it('gives the same canonical log again', (context) => {
      if (isRing(server)) needsRings(context);
      const [first, second] = runs as [Played, Played];
      expect(second.lines).toEqual(first.lines);
      expect(second.log).toBe(first.log);
      expect(first.lines.join('\n')).toContain(`rule 1 ${rule} fired `);
    });
  });
});

function rulesOf(fault: Fault): string[] {
  const { name } = fault;
  if (fault.kind === 'result') return fault.errnos.map(({ errno }) => `${name}=${errno}`);
  if (fault.kind === 'change') {
    const { numbers, words = [] } = fault;
    const values =
      numbers === undefined ? words.map(({ word }) => word) : [numbers.least, numbers.most];
    return values.map((value) => `${name}=${value}`);
  }
  const outcome = fault.kind === 'quota' ? `${name}=3` : name;
  return POINTS.filter(({ transports }) =>
    transports.some((one) => fault.transports.includes(one)),
  ).map((point) => `${outcome}:at=${point.name}`);
}

/** Functions of the kernel that are named. */
function sourcesOf(fault: Fault): string[] {
  if (fault.kind === 'teardown' || fault.kind === 'quota') return [fault.possible ?? []].flat();
  const rows =
    fault.kind === 'result' ? fault.errnos : [fault.numbers ?? {}, ...(fault.words ?? [])];
  return rows.flatMap((row) => ('possible' in row && row.possible) || []);
}
