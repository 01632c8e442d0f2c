/**
 * The six ways a mount ends, each done to a live server while a client has a file of it open (but for
 * the plain unmount, which an open file would refuse), and what server and client saw of it.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scheduler } from 'node:timers/promises';
import { execa } from 'execa';
import { builtProgram, killGroup, run } from '../run.ts';
import { abortConnection, type Ended, type LiveServer, until } from './live.ts';

export const ENDINGS = ['unmount', 'forced', 'lazy', 'abort', 'terminate', 'interrupt'] as const;
export type Ending = (typeof ENDINGS)[number];

export interface EndingOptions {
  /** An existing file below the mount that clients open and read. */
  file: string;
  /** True: two more clients make calls without a pause while the mount ends. */
  traffic?: boolean;
}

export interface EndingResult extends Ended {
  ending: Ending;
  /** The client's calls after the ending, each with what it returned; empty for 'unmount'. */
  client: readonly string[];
  /** What umount(8) complained of, without places; '' if it did not. */
  umount: string;
  /** Errors that the traffic met, each once, sorted. */
  traffic: readonly string[];
}

/** Rounds of calls of the traffic: more than can be made before the end. */
const ROUNDS = 20_000;
/** How long the traffic goes on after the ending. */
const TRAFFIC_MS = 100;
/** How long a server may take to go after a signal. */
const SIGNAL_S = 20;
/** How long a client may take for its last calls. */
const CLIENT_S = 20;

/** What a client calls on a mount that has ended. */
const after = (mountpoint: string, file: string): string[] => [
  'statfs .',
  'fsync held',
  'read held 100 0',
  `open again ${join(mountpoint, file)} RDONLY`,
  'close held',
];

interface Client {
  said(): string[];
  done(): boolean;
  kill(): void;
}

/** Starts the native client on `mountpoint`, a process group of its own; its files are in `dir`. */
function startClient(dir: string, name: string, mountpoint: string, lines: readonly string[]) {
  const program = builtProgram('fuse-rig-client');
  if (program === undefined) throw new Error('fuse-rig-client is not built: npm run build');
  const output = join(dir, name);
  writeFileSync(output, '');
  const child = execa(program, [mountpoint], {
    input: `${lines.join('\n')}\n`,
    stdout: { file: output },
    stderr: 'ignore',
    reject: false,
    detached: true,
  });
  let done = false;
  void child.then(() => {
    done = true;
  });
  return {
    said: () => readFileSync(output, 'utf8').split('\n').slice(0, -1),
    done: () => done,
    kill: () => killGroup(child.pid),
  } satisfies Client;
}

/** Calls that all need the server. */
function startTraffic(dir: string, mountpoint: string, file: string): Client[] {
  const round = [`open t ${file} RDONLY`, 'statfs .', 'fsync t', 'read t 4096 0', 'close t'];
  const lines = Array.from({ length: ROUNDS }, () => round).flat();
  return ['traffic1', 'traffic2'].map((name) => startClient(dir, name, mountpoint, lines));
}

/**
 * Whether a connection has lost its last device, or is no more (fuse_abort_conn lets everything out of
 * the background queue). A ring holds the device for a moment longer than the process that made it.
 */
function isDead(dev: number): boolean {
  try {
    const path = `/sys/fs/fuse/connections/${dev}/max_background`;
    return readFileSync(path, 'utf8').trim() === '4294967295';
  } catch {
    return true;
  }
}

/** Does it to the mount or the server; umount's complaint, if it had one. */
async function act(ending: Ending, { places, dev, pid }: LiveServer): Promise<string> {
  const umount = async (...options: string[]): Promise<string> => {
    const ran = await run('umount', [...options, places.mountpoint], { timeoutS: CLIENT_S });
    if (ran.ended !== 'itself') return ran.ended;
    return ran.stderr
      .trim()
      .replaceAll(places.mountpoint, '')
      .replace(/^umount: *:? */, '');
  };
  if (ending === 'unmount') return umount();
  if (ending === 'forced') return umount('--force');
  if (ending === 'lazy') return umount('--lazy');
  if (ending === 'abort') abortConnection(dev);
  else process.kill(pid, ending === 'terminate' ? 'SIGTERM' : 'SIGINT');
  return '';
}

const errorsOf = (clients: readonly Client[]): string[] => {
  const errors = clients.flatMap((client) =>
    client.said().map((line) => / = (E[A-Z0-9]+)$/.exec(line)?.[1] ?? ''),
  );
  // Without an open file every call but the next open fails with EBADF.
  return [...new Set(errors)].filter((error) => error !== '' && error !== 'EBADF').sort();
};

/** Ends the server in one of the six ways. Nothing is left: what had to be removed is in `leftovers`. */
export async function endServer(
  server: LiveServer,
  ending: Ending,
  options: EndingOptions,
): Promise<EndingResult> {
  const { mountpoint } = server.places;
  const dir = mkdtempSync(join(tmpdir(), 'fuse-rig-ending-'));
  const signal = join(dir, 'signal');
  const calls = after(mountpoint, options.file);
  const held = [`open signal ${signal} RDONLY`, `open held ${options.file} RDONLY`];
  const clients: Client[] = [];
  try {
    writeFileSync(signal, '');
    const traffic = options.traffic ? startTraffic(dir, mountpoint, options.file) : [];
    clients.push(...traffic);
    let holder: Client | undefined;
    if (ending !== 'unmount') {
      holder = startClient(dir, 'held', mountpoint, [...held, 'await signal go', ...calls]);
      clients.push(holder);
      const open = await until(CLIENT_S, () =>
        holder?.said().find((line) => /^open held/.test(line)),
      );
      if (open?.endsWith(' = 0') !== true) throw new Error(`the client cannot begin: ${open}`);
    }
    await until(CLIENT_S, () => all(traffic, (one) => one.said().length > 0));
    // An unmount wants nobody there; what they leave behind is still on its way to the server.
    if (ending === 'unmount') await gone(traffic);
    const umount = await act(ending, server);
    if (traffic.length > 0) await scheduler.wait(TRAFFIC_MS);
    await gone(traffic);
    // Until a signalled server has gone, some calls still get their answers.
    const signalled = ending === 'terminate' || ending === 'interrupt';
    const over = () => !existsSync(`/proc/${server.pid}`) && isDead(server.dev);
    await until(SIGNAL_S, () => !signalled || over() || undefined);
    writeFileSync(signal, 'go\n');
    await until(CLIENT_S, () => all(clients, (one) => one.done()));
    const said = holder?.said().slice(held.length + 1) ?? [];
    // A mount whose connection died, or whose umount found it busy, is still there.
    await act('unmount', server);
    const ended = await server.wait();
    return { ...ended, ending, client: said, umount, traffic: errorsOf(traffic) };
  } finally {
    await gone(clients);
    rmSync(dir, { recursive: true });
  }
}

const all = (clients: readonly Client[], what: (client: Client) => boolean): true | undefined =>
  clients.every(what) || undefined;

/** Kills clients and waits until they are gone. */
async function gone(clients: readonly Client[]): Promise<void> {
  for (const client of clients) if (!client.done()) client.kill();
  await until(CLIENT_S, () => all(clients, (client) => client.done()));
}
