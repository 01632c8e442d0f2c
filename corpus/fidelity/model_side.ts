/**
 * The model's side: the same prober under the seam. What clients do is put into the model's feed, and
 * what the kernel shows beside the mount (fusectl, mountinfo, fdinfo) the model is asked itself.
 */
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { native, nativePath } from '../../native/load.ts';
import type { SessionEvent } from '../../rig/events.ts';
import type { FusectlFile } from '../../rig/kernel/fusectl.ts';
import { offerOf } from '../../rig/kernel/init.ts';
import { ModelKernel } from '../../rig/kernel/model.ts';
import { VERSIONS, type VersionName } from '../../rig/kernel/versions.ts';
import { ERRNO, errnoName } from '../../rig/protocol/errno.ts';
import { backingFile } from '../../rig/seam/backing_calls.ts';
import { possibleCpus } from '../../rig/seam/cpus.ts';
import { launch } from '../../rig/seam/launch.ts';
import { Session } from '../../rig/session.ts';
import { Driver, type Result, type Side, type Transcript } from './driver.ts';
import { ModelClients } from './model_clients.ts';
import { ModelTree } from './model_tree.ts';
import { ProbeDirector } from './probe_director.ts';
import type { Probe, Step } from './step.ts';

const returned = (result: number, text?: string): Result => {
  if (result < 0) return { r: -1, e: errnoName(result) };
  return text === undefined ? { r: result } : { r: result, text };
};

class ModelSide implements Side {
  readonly name = 'model';
  readonly model: ModelKernel;
  readonly clients: ModelClients;
  /** Handles by the prober's names for their descriptors, and where each connection is mounted. */
  readonly #handles = new Map<string, number>();
  readonly #conns = new Map<string, number>();
  readonly #mounts = new Map<string, number>();
  /** File system types by connection. */
  readonly #types = new Map<number, string>();
  /** What sysctls say. */
  readonly #host = { defaultTimeout: 0, maxTimeout: 0 };
  /** There is a block device. */
  #loop = false;
  #opened = 0;
  #ended: Record<string, Result> = {};
  readonly #input: number;
  /** Brings what the server's descriptors show up to date. */
  flush = (): void => {};

  constructor(input: number, kernel: AskedKernel) {
    this.#input = input;
    this.model = new ModelKernel({
      ring: { enabled: kernel.ring, cpus: possibleCpus() },
      switches: VERSIONS[kernel.version],
      offer: offerOf(kernel.version, kernel.ring),
      host: this.#host,
      world: {
        target: (path) => {
          if (!existsSync(path)) return 'missing';
          return statSync(path).isDirectory() ? 'directory' : 'other';
        },
        blockDevice: (source) => {
          if (this.#loop && source.startsWith('/proc/self/fd/')) return 0;
          return existsSync(source) ? -ERRNO.ENOTBLK : -ERRNO.ENOENT;
        },
        busy: (conn) => this.clients.busy(conn),
        backingFile,
      },
    });
    this.clients = new ModelClients(this.model, new ModelTree(this.model));
    // A mount that was detached while files were open goes with the last of them.
    this.clients.onIdle = (conn) => {
      if (this.model.targets(conn).length === 0) this.model.shutdown(conn);
    };
  }

  send(line: string): void {
    this.flush();
    const bytes = Buffer.from(`${line}\n`);
    native.writeFd(this.#input, bytes, bytes.length);
  }

  reset(): void {
    for (const conn of this.#mounts.values()) {
      if (this.model.connected(conn)) this.model.abort(conn);
      this.model.shutdown(conn);
    }
    this.#loop = false;
    this.#handles.clear();
    this.#conns.clear();
    this.#mounts.clear();
    this.#ended = {};
    this.clients.reset();
  }

  /** What the session says besides. */
  event(event: SessionEvent): void {
    if (event.kind === 'open') this.#opened = event.handle;
    if (event.kind === 'mount' && event.result === 0 && !this.#types.has(event.conn)) {
      const subtype = /(?:^|,)subtype=([^,]*)/.exec(event.options)?.[1];
      this.#types.set(event.conn, subtype ? `${event.fstype}.${subtype}` : event.fstype);
    }
  }

  mounted(target: string, conn: number): void {
    this.#mounts.set(basename(target), conn);
  }

  /** The connection that is mounted there; 0 if none is. */
  #mountedAt(name: string): number {
    const conn = this.#mounts.get(name) ?? 0;
    if (conn === 0) return 0;
    return this.model.targets(conn).some((target) => basename(target) === name) ? conn : 0;
  }

  told(line: string, result: Result): void {
    const [, , step, name = ''] = line.replace(/^until \S+ /, '').split(' ');
    if (step === 'open' && result.r === 0) this.#handles.set(name, this.#opened);
    for (const [device, handle] of this.#handles) {
      const conn = this.model.connOf(handle);
      if (conn !== 0) this.#conns.set(device, conn);
    }
  }

  takes(step: Step, line: string): boolean {
    const words = line.replace(/^until \S+ /, '').split(' ');
    if (words[0] === 'client') {
      const [name = ''] = (words.slice(3).find((word) => /^m2?(\/|$)/.test(word)) ?? 'm').split(
        '/',
      );
      this.clients.begin(step.by, words.slice(2), this.#mountedAt(name));
      return true;
    }
    if (words[0] === 'signal') return this.clients.signal(step.by, words[2] === 'KILL');
    if (words[0] === 'lapse') {
      this.model.elapse(Number(words[2]) * 1000);
      this.#ended[step.by] = returned(0);
      return true;
    }
    const [, , what = '', name = '', ...rest] = words;
    const result = this.#shown(what, name, rest);
    if (result === undefined) return false;
    this.#ended[step.by] = result;
    return true;
  }

  #shown(what: string, name: string, rest: string[]): Result | undefined {
    const conn = this.#conns.get(name) ?? 0;
    if (what === 'fdinfo') return { text: conn === 0 ? '' : 'fuse_connection' };
    if (what === 'mountinfo') {
      const mounted = this.#mountedAt(name);
      return {
        text:
          mounted !== 0 ? `${this.#types.get(mounted)} rw,${this.model.mountOptions(mounted)}` : '',
      };
    }
    if (what === 'loop') {
      this.#loop = true;
      return returned(0);
    }
    if (what === 'sysctl') {
      [this.#host.defaultTimeout, this.#host.maxTimeout] = [Number(name), Number(rest[0])];
      return returned(0);
    }
    if (what !== 'fusectl') return undefined;
    if (conn === 0) return returned(-ERRNO.ENOENT);
    const [file = '', text] = rest;
    if (text !== undefined)
      return returned(this.model.writeFusectl(conn, file as FusectlFile, text));
    const read = this.model.readFusectl(conn, file as FusectlFile);
    return typeof read === 'number' ? returned(read) : returned(read.length, read);
  }

  ended(): Record<string, Result> {
    this.clients.react();
    const ended = { ...this.#ended, ...this.clients.ended() };
    this.#ended = {};
    return ended;
  }

  asleep(): string[] {
    return this.clients.asleep();
  }
}

async function session(
  probes: readonly Probe[],
  dir: string,
  kernel: AskedKernel,
  quick: boolean,
): Promise<Transcript[]> {
  const [stdin, input] = native.pipePair();
  const launched = launch({
    command: [nativePath('fuse-rig-probe')],
    cwd: dir,
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin' },
    umask: 0o22,
    stdin,
  });
  native.closeFd(stdin);
  const side = new ModelSide(input, kernel);
  const driver = new Driver(probes, side, dir);
  driver.quick = quick;
  const director = new ProbeDirector(driver, () => side.clients.react());
  const session = new Session(launched, side.model, (event) => {
    side.event(event);
    if (event.kind === 'output') director.output(event.bytes);
  });
  side.model.onMounted = (handle, result) => session.mounts.finishWaiting(handle, result);
  session.mounts.mounted = (target, conn) => side.mounted(target, conn);
  side.model.onUnmounted = (target, result) => session.mounts.finishUnmount(target, result);
  side.flush = () => session.wake();
  driver.begin();
  try {
    session.run(director);
  } finally {
    native.closeFd(input);
    await session.close();
  }
  return driver.transcripts;
}

/** The kernel that the model shall be; `ring`: as with enable_uring. */
export interface AskedKernel {
  readonly ring: boolean;
  readonly version: VersionName;
}

/** What the model makes of the probes; `quick`: see the driver. */
export async function askModel(
  probes: readonly Probe[],
  kernel: AskedKernel,
  quick = false,
): Promise<Transcript[]> {
  const dir = mkdtempSync(join(tmpdir(), 'fuse-rig-fidelity-'));
  try {
    return await session(probes, dir, kernel, quick);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
