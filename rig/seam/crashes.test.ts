/**
 * Servers that die of a signal, each at an address and in functions that are known: the finding says
 * which, and looking changes nothing and leaves nothing. Replayed from a capture of another server.
 */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Bench, built, complaints, onBench } from '../testing/bench.ts';
import { ROOT } from '../testing/sources.ts';
import { parseStacks, stackTool } from './stacks.ts';

const CAPTURE = join(ROOT, 'corpus/mutants/cases/everyday/capture.fusecap');
const ODD = built('fuse-rig-odd-server');
const odd = (mode: string) => [ODD, mode, '{mountpoint}'];
const SERVER = [built('fuse-rig-server'), '{mountpoint}'];
const STATIC = [built('fuse-rig-server-static'), '--crash-after', '6:abort', '{mountpoint}'];
const FREED = ['--transport', 'ring', '--ring-flags', 'defer_taskrun'];

/** The stack as the finding has it, where a tool for it is installed. */
const stack = (names: string): RegExp =>
  stackTool() === undefined ? /user stack is shown where gdb/ : new RegExp(names);

async function replayed(bench: Bench, command: readonly string[], args: readonly string[] = []) {
  copyFileSync(CAPTURE, bench.capture);
  const ran = await bench.replay(command, { once: true, stacks: true, args });
  return { ...ran, said: complaints(ran).join('\n') };
}

describe('a server that crashes', () => {
  it.each([
    ['null', odd('crash-null'), /SIGSEGV \(SEGV_MAPERR\) at address 0x18,/, 'StoreAt.*Null.* main'],
    [
      'read-only memory',
      odd('crash-forbidden'),
      /SIGSEGV \(SEGV_ACCERR\) at address 0x7000000,/,
      'StoreAt.*Forbidden.* main',
    ],
    ['abort() in a thread', odd('crash-abort'), /SIGABRT \(SI_TKILL\), in/, 'abort.*ServeAndAbort'],
    [
      'a stack that is full',
      odd('crash-deep'),
      /SIGSEGV \(SEGV_MAPERR\) at address 0x7\w{11},/,
      '#0 [^|]*Deeper.*#9 [^|]*Deeper',
    ],
    [
      'a signal it has caught',
      odd('crash-handled'),
      /SIGSEGV \(SI_TKILL\), in/,
      'StoreAt.*Handled',
    ],
    ['null, in a daemon', odd('crash-daemon'), /SEGV_MAPERR\) at address 0x18,/, 'StoreAt.*Daemon'],
    [
      'abort() among others',
      odd('crash-among'),
      /SIGABRT \(SI_TKILL\), in/,
      'ServeAndAbort.*Among',
    ],
    ['abort() of a static program', STATIC, /SIGABRT \(SI_TKILL\), in/, 'raise.*TakeUp.*ReadAll'],
    [
      'what it has freed',
      [...SERVER, ...FREED, '--bug', 'ring-setup-fails-then-freed'],
      /SIG(SEGV|ABRT) /,
      'RingThread|Ring::',
    ],
  ])('of %s: signal, address and stack', { timeout: 120_000 }, async (_, command, line, names) => {
    await onBench(async (bench) => {
      const { said, code, leftovers } = await replayed(bench, command, ['--cpus', '2']);
      expect(said).toMatch(line);
      expect(said).toMatch(stack(names));
      expect({ code, leftovers }).toEqual({ code: 1, leftovers: [] });
    });
  });

  it('is told nothing more of with --no-stacks, and all else is the same', async () => {
    await onBench(async (bench) => {
      copyFileSync(CAPTURE, bench.capture);
      const [looked, not] = [
        await bench.replay(odd('crash-null'), { once: true, stacks: true }),
        await bench.replay(odd('crash-null'), { once: true }),
      ];
      expect(complaints(not).join()).not.toMatch(/SEGV_MAPERR/);
      const verdict = ({ log, code, findings, requests }: typeof not) => ({
        ...{ log, code, requests },
        findings: findings.map(({ check, verdict, text }) => [check, verdict, text]),
      });
      expect(verdict(looked)).toEqual(verdict(not));
    });
  });

  it('and does not when it is looked at is said to', async () => {
    await onBench(async (bench) => {
      const command = [...odd('crash-once'), join(bench.dir, 'mark')];
      const { said, leftovers } = await replayed(bench, command);
      expect(said).toMatch(/died of signal 11 .*\| played again .* it did not crash again/);
      expect(leftovers).toEqual([]);
    });
  });

  it('of an ordinary user is looked at too', async () => {
    await onBench(async (bench) => {
      copyFileSync(CAPTURE, bench.capture);
      bench.giveTo(65534);
      const ran = await bench.replay(odd('crash-null'), { once: true, stacks: true });
      const said = complaints(ran).join('\n');
      expect(said, ran.stderr).toMatch(/SIGSEGV \(SEGV_MAPERR\) at address 0x18,/);
      expect(said).toMatch(stack('StoreAt.*Null'));
      expect(ran.leftovers).toEqual([]);
    });
  });
});

it('names with parentheses of their own are read whole from a stack', () => {
  const text = [
    'Thread 1 (LWP 12):',
    '#0  0x01 in ns::(anonymous namespace)::Do (f=0x2 <g(int)>) at /proc/12/root/usr/a.cc:3',
    '#1  operator() (__closure=0x3) at b.cc:4',
    '#2  0x02 in ?? () from /proc/12/root/lib/c.so.6',
  ];
  expect(parseStacks(text.join('\n'))).toEqual([
    {
      tid: 12,
      frames: [...['ns::(anonymous namespace)::Do at /usr/a.cc:3', 'operator() at b.cc:4'], '0x2'],
    },
  ]);
});
