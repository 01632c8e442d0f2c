/**
 * `npm run demo`: the main job on the parts that come with the project. Records a small live mount
 * of the reference server where /dev/fuse allows (otherwise takes the bundled capture), replays it,
 * and then replays it into the same server with bugs and with an injected fault, to show what the rig finds.
 */
import {
  accessSync,
  constants,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { nativePath } from '../../native/load.ts';

const here = dirname(fileURLToPath(import.meta.url));
/** The checkout, from dist/corpus/demo and from corpus/demo alike. */
const root = join(here, here.includes('/dist/') ? '../../..' : '../..');
const cli = join(root, 'rig/cli/bin.mjs');
const BUNDLED = join(root, 'corpus/demo/demo.fusecap');
const MOUNT_WAIT_MS = 10_000;
const STEP_MS = 20;

/** What the demo's client does on the mount: a little of everything, in one short shell. */
const CLIENT = `
cd "$1" && mkdir notes && echo 'to be, or not to be' > notes/hamlet && cat notes/hamlet &&
ln -s hamlet notes/link && readlink notes/link && mv notes/hamlet notes/ophelia &&
dd if=/dev/zero of=notes/big bs=64k count=8 2>/dev/null && cat notes/big | wc -c && ls -l notes &&
chmod 600 notes/ophelia && rm notes/big && ls notes
`;

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const title = (text: string): void =>
  say(process.stdout.isTTY ? `\n\x1b[1m${text}\x1b[0m` : `\n${text}`);

/** Runs a fuse-rig command as a user would, showing the command and what it prints. */
async function show(args: string[]): Promise<number> {
  say(`$ fuse-rig ${args.map((a) => (/[ {}]/.test(a) ? `'${a}'` : a)).join(' ')}`);
  const run = await execa('node', [cli, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    reject: false,
  });
  say(`(exit code ${run.exitCode})`);
  return run.exitCode ?? 1;
}

function canMount(): boolean {
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return process.geteuid?.() === 0;
  } catch {
    return false;
  }
}

const isMounted = (target: string): boolean =>
  readFileSync('/proc/self/mounts', 'utf8').includes(` ${target} fuse`);

/** Records the reference server while the client works on its mount. False: it could not. */
async function recordLive(scratch: string, capture: string): Promise<boolean> {
  const mount = join(scratch, 'mnt');
  mkdirSync(mount);
  const args = [
    'record',
    '-o',
    capture,
    '--',
    nativePath('fuse-rig-server'),
    '--fs',
    'memory',
    mount,
  ];
  say(`$ fuse-rig ${args.join(' ')}`);
  const recorder = execa('node', [cli, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    reject: false,
  });
  for (let waited = 0; !isMounted(mount); waited += STEP_MS) {
    if (waited > MOUNT_WAIT_MS || recorder.exitCode !== null) {
      recorder.kill('SIGINT');
      await recorder;
      return false;
    }
    await sleep(STEP_MS);
  }
  const client = await execa('sh', ['-c', CLIENT, 'client', mount], {
    reject: false,
    timeout: 20_000,
  });
  say(client.stdout.replace(/^/gm, '  the client: '));
  recorder.kill('SIGINT');
  return (await recorder).exitCode === 0 && client.exitCode === 0;
}

async function main(): Promise<number> {
  const scratch = mkdtempSync(join(tmpdir(), 'fuse-rig-demo-'));
  const capture = join(scratch, 'demo.fusecap');
  const server = [nativePath('fuse-rig-server'), '--fs', 'memory'];
  try {
    title('1. Record a live mount');
    if (!canMount()) {
      say('no /dev/fuse for this user: taking the bundled capture (fuse-rig doctor says why)');
      copyFileSync(BUNDLED, capture);
    } else if (!(await recordLive(scratch, capture))) return 1;
    title('2. See what was said (first lines)');
    const shown = await execa('node', [cli, 'show', capture], { reject: false });
    say(
      shown.stdout
        .split('\n')
        .slice(0, 8)
        .map((line) => line.slice(0, 110))
        .join('\n'),
    );
    title('3. Replay it into the server as it is: no mount, no privileges');
    const same = await show(['replay', capture, '--twice', '--', ...server, '{mountpoint}']);
    title('4. Replay it into a server that forgets to answer RENAME2');
    const silent = await show([
      'replay',
      capture,
      '--',
      ...server,
      '--unanswered',
      'RENAME2',
      '{mountpoint}',
    ]);
    title('5. Replay it into a server that dies with a request in hand');
    const crash = await show([
      'replay',
      capture,
      '--',
      ...server,
      '--crash-after',
      '25',
      '{mountpoint}',
    ]);
    title('6. Abort the connection while the server has a request in hand: it ends as it should');
    const fault = ['--fault', 'abort:at=delivered:when=20'];
    const ended = await show(['replay', capture, ...fault, '--', ...server, '{mountpoint}']);
    title('7. The same with a server that takes a failed read for a request');
    const bug = ['--bug', 'enodev-as-data'];
    const spins = await show([
      'replay',
      capture,
      ...fault,
      '--',
      ...server,
      ...bug,
      '{mountpoint}',
    ]);
    const sound = same === 0 && ended === 0;
    const expected = sound && silent !== 0 && crash === 1 && spins === 1;
    title(
      expected
        ? 'The rig passed the sound server and found all three bugs.'
        : 'The demo did not go as it should.',
    );
    return expected ? 0 : 1;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

process.exitCode = await main();
