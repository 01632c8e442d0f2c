/**
 * trap: how many calls a second the seam can hold and answer at all, with a program that does nothing
 * but make them. A request takes two (its read and its reply's write), so half of this is what no
 * recording and no replay on this machine can exceed.
 */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtProgram } from '../../corpus/run.ts';
import { native } from '../../native/load.ts';
import { ERRNO } from '../protocol/errno.ts';
import { launch } from '../seam/launch.ts';
import { KEEPER, NR, Trap, WAIT } from '../seam/traps.ts';
import { type Bench, median, spreadOf } from './measure.ts';

const COUNT = 50_000;

/** Traps a second of one program's writes to the device, each answered with an error. */
async function once(program: string, dir: string): Promise<number> {
  const input = join(dir, 'operations');
  writeFileSync(input, `open d /dev/fuse RDWR\ntime-writes d ${COUNT}\n`);
  const stdin = openSync(input, 'r');
  const launched = launch({ command: [program], cwd: dir, env: {}, umask: 0o22, stdin });
  const { seam } = launched;
  const trap = new Trap(seam);
  launched.go();
  for (;;) {
    const kind = seam.wait(-1);
    if (kind === WAIT.keeperGone || (kind === WAIT.keeper && trap.nr === KEEPER.empty)) break;
    if (kind !== WAIT.trap) continue;
    if (trap.nr === NR.openat) seam.addPlaceholder(trap.slot, 0, true);
    else if (trap.nr === NR.write && trap.index === 0) seam.respond(trap.slot, -ERRNO.EPERM);
    else seam.continue(trap.slot);
  }
  const said = new Uint8Array(4096);
  const text = Buffer.from(
    said.subarray(0, Math.max(0, native.readFd(launched.stdout, said, 4096))),
  );
  seam.close();
  await launched.gone();
  for (const fd of [launched.stdout, launched.stderr]) native.closeFd(fd);
  closeSync(stdin);
  return COUNT / (Number(/time-writes.* = (\d+)/.exec(text.toString())?.[1]) / 1e9);
}

export async function trapSection(bench: Bench): Promise<void> {
  const program = builtProgram('fuse-rig-client');
  if (program === undefined) {
    bench.give({ name: 'trap', missing: 'fuse-rig-client is not built: npm run build' });
    return;
  }
  const dir = mkdtempSync(join(tmpdir(), 'fuse-rig-bench-'));
  const rates: number[] = [];
  try {
    for (let run = 0; run < bench.runs; run++) {
      bench.say(`trap ${run + 1}/${bench.runs}`);
      rates.push(await once(program, dir));
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  const [ours, spread] = [median(rates), spreadOf(rates)];
  bench.give({ name: 'trap', ours, unit: '/s', sides: 'traps', runs: bench.runs, spread });
}
