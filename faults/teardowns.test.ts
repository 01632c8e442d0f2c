/**
 * Teardowns together, twice, and with the server started again: nobody is accused, the plan is said to
 * have come true, and the same plan gives the same log again.
 */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { play, type ServerName } from './testing/play.ts';

/** Plays the plan twice: what must hold of every run. */
async function twice(rules: readonly string[], server: ServerName) {
  const first = await play(rules, server);
  const second = await play(rules, server);
  expect(first.against, first.output).toEqual([]);
  expect(second.lines).toEqual(first.lines);
  expect(second.log).toBe(first.log);
  return first;
}

describe('two at once, and twice', () => {
  it.each([
    ['device', ['READ:abort:at=delivered', 'READ:sigterm:at=delivered']],
    ['device', ['force=twice:at=reply-write:when=4', 'device:at=reply-write:when=4']],
    ['device', ['lazy:at=delivered:when=9', 'abort:at=delivered:when=9']],
    ['clones', ['clone-loss:at=delivered:when=5', 'unmount:at=delivered:when=5']],
    ['ring', ['abort=twice:at=commit:when=5', 'sigint=twice:at=commit:when=5']],
    ['ring', ['force:at=cqe-before-commit:when=3', 'sigkill=twice:at=cqe-before-commit:when=3']],
  ] as const)('%s: %j', async (server, rules) => {
    const { plan } = await twice(rules, server);
    for (const { rule, fired, refused } of plan) {
      expect(fired + refused, rule).toBeGreaterThan(0);
    }
  });
});

/** The quota lets nothing be asked until the server is at rest: the request that ends it all is asked then. */
it('an end that begins when the server is at rest is told to it before it is judged', async () => {
  const rules = ['READ:processes=0:at=asked', 'READ:abort:at=asked:when=2'];
  const capture = fileURLToPath(
    new URL('../corpus/cases/reference-passthrough-brief/capture.fusecap', import.meta.url),
  );
  const words = ['--fs', 'passthrough={fixture}/src', '--threads', '4', '{mountpoint}'];
  const { plan, against } = await play(rules, 'device', {
    capture,
    command: ['{server}', ...words],
  });
  expect(against).toEqual([]);
  expect(plan.map(({ fired }) => fired)).toEqual([1, 1]);
});

describe('the server, killed and started again,', () => {
  it.each([
    ['device', 'before-init'],
    ['device', 'before-init-reply'],
    ['device', 'init-replied'],
    ['ring', 'registered'],
  ] as const)('on the %s at %s answers all of the capture', async (server, at) => {
    const { plan, findings, requests, lines } = await twice([`restart:at=${at}`], server);
    expect(plan[0]?.fired).toBe(1);
    const divergence = findings.find(({ check }) => check === 'divergence');
    expect(divergence?.text).toMatch(/^5\d replies as captured(, 1 not asked after it)?$/);
    expect(requests).toBe(56);
    expect(lines.filter((line) => /^(teardown|exit)/.test(line))).toEqual([
      ...['teardown sigkill', 'teardown unmount', 'exit signal 9', 'exit 0'],
    ]);
  });

  it.each([
    ['device', 'restart:at=delivered:when=7'],
    ['device', 'WRITE:restart=twice:at=reply-write'],
    ['ring', 'restart:at=cqe-before-commit:when=9'],
  ] as const)('on the %s by %s serves what is left', async (server, rule) => {
    const { findings } = await twice([rule], server);
    const texts = findings.map(({ check, text }) => `${check} ${text}`);
    expect(texts).toContain('termination ended by signal 9, nothing left');
    expect(texts).toContain('termination exit 0, nothing left, started again');
    expect(texts.find((text) => text.startsWith('divergence'))).toMatch(/orphaned by it/);
  });

  it('is so as often as the plan says', async () => {
    const { plan, findings } = await twice(['restart:at=init-replied:when=1..3'], 'device');
    expect(plan[0]?.fired).toBe(3);
    expect(findings.filter(({ check }) => check === 'termination')).toHaveLength(4);
  });
});
