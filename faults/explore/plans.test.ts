// Which plans a campaign runs: every single fault first, each once, then combinations, all by number.
import { describe, expect, it } from 'vitest';
import { FAULTS } from '../list.ts';
import { parseRule } from '../parse.ts';
import { isTeardown, type Rule, ruleText } from '../rule.ts';
import { Plans } from './plans.ts';
import { isPossible, singles } from './singles.ts';
import { DEVICE_SEEN, RING_SEEN } from './testing/sessions.ts';

const texts = (rules: readonly Rule[]) => rules.map(ruleText);

describe('single faults', () => {
  const device = texts(singles(DEVICE_SEEN, false));
  const ring = texts(singles(RING_SEEN, false));

  it('come at every message, the n-th by its number', () => {
    const wanted = [
      'LOOKUP:read=EINTR:when=1',
      'LOOKUP:read=EINTR:when=2',
      'READ:read=EINTR:when=1',
    ];
    expect(device).toEqual(expect.arrayContaining(wanted));
    expect(device).not.toContain('LOOKUP:read=EINTR:when=3');
    expect(device).not.toContain('READ:read=EINTR:when=2');
  });

  it('let it run out of everything, and fail its own calls, one by one', () => {
    expect(device).toContain('LOOKUP:fds=0:at=asked:until=3:when=2');
    expect(ring).toContain('mmap=ENOMEM:when=2');
    expect(ring).toContain('not-offered=MAX_PAGES:when=1');
    expect(ring).toContain('LOOKUP:interrupt=late:when=2');
    expect(ring.filter((text) => /malformed|twice/.test(text))).toEqual([]);
  });

  it('tear down at every point that comes, by its narrowest name', () => {
    expect(device).toContain('abort:at=before-init');
    expect(device).toContain('abort:at=before-init-reply');
    expect(device).toContain('LOOKUP:abort:at=reply-write:when=2');
    expect(device).not.toContain('INIT:abort:at=delivered');
    expect(ring).toContain('LOOKUP:abort:at=cqe-before-commit');
    expect(ring).not.toContain('LOOKUP:abort:at=delivered');
    expect(ring).toContain('abort:at=registered:when=2');
  });

  it('of what is about no message come at all their moments, too', () => {
    const registers = RING_SEEN.moments.find(({ name }) => name === 'register')?.count ?? 0;
    expect(registers).toBeGreaterThan(1);
    expect(ring).toContain(`register=ENOMEM:when=1..${registers}`);
    expect(ring.filter((text) => /^(LOOKUP|mmap).*\.\./.test(text))).toEqual([]);
  });

  it('leave out what never comes here', () => {
    expect(device.filter((text) => /commit|cqe|register|daemonized|at=forget/.test(text))).toEqual(
      [],
    );
    // No splice, and no descriptor that is O_NONBLOCK.
    expect(device.filter((text) => /splice|EAGAIN/.test(text))).toEqual([]);
  });

  it('are possible ones, unless synthetic ones are wanted', () => {
    expect(device.filter((text) => /write=EINTR|clone-loss/.test(text))).toEqual([]);
    const all = texts(singles(DEVICE_SEEN, true));
    expect(all).toEqual(expect.arrayContaining(['READ:write=EINTR:when=1', ...device]));
  });

  it('are each one rule, once, as it is written', () => {
    for (const rules of [singles(DEVICE_SEEN, true), singles(RING_SEEN, true)]) {
      const all = texts(rules);
      expect(new Set(all).size).toBe(all.length);
      expect(all.map((text) => ruleText(parseRule(text)))).toEqual(all);
    }
  });

  it('try every fault somewhere before any comes again, and every message before its second', () => {
    const kinds = singles(DEVICE_SEEN, true).map((rule) =>
      ruleText(rule)
        .replace(/^[A-Z]+:/, '')
        .replace(/:.*/, ''),
    );
    const count = new Set(kinds).size;
    expect(new Set(kinds.slice(0, count)).size).toBe(count);
    const lookups = device.filter((text) => text.startsWith('LOOKUP:read=EINTR'));
    expect(device.indexOf('READ:read=EINTR:when=1')).toBeLessThan(
      device.indexOf(lookups[1] as string),
    );
  });

  it('have every fault of the list that something of the session can meet', () => {
    const used = new Set(singles(RING_SEEN, false).map(({ fault }) => fault.name));
    const absent = FAULTS.filter((fault) => isPossible(fault) && !used.has(fault.name));
    // What only splices, clones, backing files and an io_uring_setup meet; none is in RING_SEEN.
    const elsewhere = ['splice-read', 'splice-write', 'ioctl', 'clone', 'ring-setup'];
    expect(absent.map(({ name }) => name).filter((name) => !elsewhere.includes(name))).toEqual([]);
  });
});

describe('plans', () => {
  const plans = new Plans(DEVICE_SEEN, 7, false);
  const { length } = plans.singles;
  const later = Array.from({ length: 300 }, (_, i) => plans.at(length + 1 + i));

  it('begin with nothing, and then have every single fault once', () => {
    expect(plans.at(0)).toEqual([]);
    const ones = plans.singles.map((_, i) => plans.at(i + 1));
    expect(ones.flat()).toEqual(plans.singles);
  });

  it('are a function of seed and number', () => {
    const same = new Plans(DEVICE_SEEN, 7, false);
    const other = new Plans(DEVICE_SEEN, 8, false);
    // Asked in another order, as another shard does.
    const again = later.map((_, i) => same.at(length + later.length - i)).reverse();
    expect(again.map(texts)).toEqual(later.map(texts));
    const others = later.map((_, i) => texts(other.at(length + 1 + i)));
    expect(others).not.toEqual(later.map(texts));
  });

  it('combine two and three, at once and twice, and only what is possible', () => {
    expect(new Set(later.map((plan) => plan.length))).toEqual(new Set([1, 2, 3]));
    const alone = later.filter((plan) => plan.length === 1).flat();
    expect(alone.every((rule) => isTeardown(rule) && rule.times === 2)).toBe(true);
    const atOnce = later.filter(([a, b]) => {
      if (a === undefined || b === undefined || !isTeardown(a) || !isTeardown(b)) return false;
      return a.at === b.at && a.when.first === b.when.first && a.fault !== b.fault;
    });
    expect(atOnce.length).toBeGreaterThan(5);
    expect(later.flat().every(({ fault }) => isPossible(fault))).toBe(true);
  });

  it('say what parses to the same again', () => {
    const rules = later.flat();
    expect(rules.map((rule) => ruleText(parseRule(ruleText(rule))))).toEqual(rules.map(ruleText));
  });
});
