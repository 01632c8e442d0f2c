/**
 * The real kernel's side: the prober as root, each probe in a mount and a PID namespace of its own. A
 * probe that does not come to its end is killed with its whole namespace.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { nativePath } from '../../native/load.ts';
import { Driver, type Side, type Transcript } from './driver.ts';
import type { Probe } from './step.ts';

/** How long a probe may take, a machine's start included. */
const PROBE_MS = 240_000;
/** Ends of the prober in a row, with nothing answered in between, that are believed to be no probe's. */
const VAIN = 2;

/** Runs probes from `from` on until all are done or one hangs. */
async function session(
  probes: readonly Probe[],
  dir: string,
  command: readonly string[],
): Promise<readonly Transcript[]> {
  const [program = '', ...args] = command;
  const prober = execa(program, args, {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
    reject: false,
    buffer: false,
  });
  const side: Side = {
    name: 'kernel',
    send: (line) => prober.stdin.write(`${line}\n`),
    reset: () => {},
    takes: () => false,
    ended: () => ({}),
    asleep: () => [],
    told: () => {},
  };
  const driver = new Driver(probes, side, dir);
  const watch = setInterval(() => {
    if (driver.transcripts.length === before) {
      driver.broken(`not at its end after ${PROBE_MS / 1000} s`);
      prober.kill('SIGKILL');
    }
    before = driver.transcripts.length;
  }, PROBE_MS);
  let before = -1;
  driver.begin();
  for await (const line of createInterface({ input: prober.stdout })) {
    driver.line(line);
    if (driver.finished) prober.stdin.end();
  }
  clearInterval(watch);
  await prober;
  return driver.transcripts;
}

/** Probers at work at a time: they mostly wait. */
const AT_ONCE = 3;

/** What the real kernel makes of the probes. */
export async function askKernel(probes: readonly Probe[], atOnce = AT_ONCE): Promise<Transcript[]> {
  const shares = Array.from({ length: atOnce }, (_, i) =>
    probes.filter((_, at) => at % atOnce === i),
  );
  const told = await Promise.all(shares.map(askOne));
  return probes.map((_, at) => told[at % atOnce]?.[Math.floor(at / atOnce)] as Transcript);
}

const SYSCTLS = ['default_request_timeout', 'max_request_timeout'].map(
  (name) => `/proc/sys/fs/fuse/${name}`,
);

/**
 * The same of probes that mostly let time pass: all at once, those that change sysctls behind the others.
 * What they do to them is undone.
 */
export async function askKernelLong(probes: readonly Probe[]): Promise<Transcript[]> {
  const before = SYSCTLS.map((path) => ({ path, value: readFileSync(path) }));
  const [changing, plain] = [true, false].map((changes) =>
    probes.filter(({ steps }) => steps.some(({ says }) => says.startsWith('sysctl')) === changes),
  ) as [Probe[], Probe[]];
  try {
    const told = new Map<Probe, Transcript>();
    for (const part of [plain, changing]) {
      const transcripts = await askKernel(part, part.length);
      for (const [i, probe] of part.entries()) told.set(probe, transcripts[i] as Transcript);
    }
    return probes.map((probe) => told.get(probe) as Transcript);
  } finally {
    for (const { path, value } of before) writeFileSync(path, value);
  }
}

async function askOne(probes: readonly Probe[]): Promise<Transcript[]> {
  const dir = mkdtempSync(join(tmpdir(), 'fuse-rig-fidelity-'));
  try {
    return await askBy(probes, dir, [nativePath('fuse-rig-probe')]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Asks by a command whose stdin and stdout are a prober's, again for what is left when it ends. */
export async function askBy(
  probes: readonly Probe[],
  dir: string,
  command: readonly string[],
): Promise<Transcript[]> {
  const transcripts: Transcript[] = [];
  let vain = 0;
  while (transcripts.length < probes.length) {
    const before = transcripts.length;
    transcripts.push(...(await session(probes.slice(before), dir, command)));
    vain = transcripts.length === before ? vain + 1 : 0;
    if (vain === VAIN) throw new Error(`${command[0]} ends before it answers`);
    if (vain > 0) transcripts.push({ outcomes: [], broken: 'the prober ended' });
  }
  return transcripts;
}

/** Whether the kernel offers FUSE over io_uring now. */
export function ringOffered(): boolean {
  try {
    return readFileSync('/sys/module/fuse/parameters/enable_uring', 'utf8').trim() === 'Y';
  } catch {
    return false;
  }
}
