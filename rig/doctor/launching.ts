/** Starting a server: the launcher, descriptors for the seam, a scratch directory. */
import { mkdtempSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execaSync } from 'execa';
import { nativePath } from '../../native/load.ts';
import { errnoName } from '../protocol/errno.ts';
import { okIf, type Probed, type ProbeGroup } from './probe.ts';

/** What the seam asks of the soft limit: its own range of descriptors, and as many for the server. */
const OPEN_FILES_MIN = 128;
/** The launcher's answer to a person who starts it. */
const LAUNCHER_USAGE = 2;

function launcher(): Probed {
  const path = nativePath('fuse-rig-launch');
  const { exitCode, shortMessage } = execaSync(path, [], { reject: false });
  return {
    name: 'launcher',
    need: 'replay',
    state: okIf(exitCode === LAUNCHER_USAGE),
    detail: exitCode === LAUNCHER_USAGE ? 'runs' : (shortMessage ?? `exit ${exitCode}`),
    costs: 'record and replay: no server can be started',
    remedy: `npm run build, on a file system that is not mounted noexec (${path})`,
  };
}

function openFiles(): Probed {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const [, soft = '0', hard = '0'] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(limits) ?? [];
  return {
    name: 'open files',
    need: 'replay',
    state: okIf(soft === 'unlimited' || Number(soft) >= OPEN_FILES_MIN),
    detail: `soft limit ${soft}, hard ${hard}`,
    costs: 'record and replay: no room for the seam in the server',
    remedy: 'ulimit -n 1024',
  };
}

function scratch(): Probed {
  const row = {
    name: 'scratch directory',
    need: 'replay',
    costs: 'replay: no place for fixture and mountpoint',
    remedy: 'set TMPDIR to a directory you may write to',
  } as const;
  try {
    rmdirSync(mkdtempSync(join(tmpdir(), 'fuse-rig-doctor-')));
    return { ...row, state: 'ok', detail: tmpdir() };
  } catch (error) {
    return {
      ...row,
      state: 'missing',
      detail: (error as NodeJS.ErrnoException).code ?? String(error),
    };
  }
}

/** `--root`: the directory that holds the launcher, as a root. */
function anotherRoot(): Probed {
  const path = nativePath('fuse-rig-launch');
  const { exitCode, stdout } = execaSync(path, ['--root', dirname(path)], { reject: false });
  const [, errno, call] = /^(\d+) (.*)/.exec(stdout) ?? [];
  const why = errno === undefined ? `exit ${exitCode}` : `${call}: ${errnoName(-Number(errno))}`;
  return {
    name: 'another root',
    need: 'extra',
    state: okIf(exitCode === 0),
    detail: exitCode === 0 ? 'a mount namespace and an overlay' : why,
    costs: "--root: another release's servers",
    remedy:
      'overlayfs, and as root CAP_SYS_ADMIN (in a container: docker run --privileged), as another user user namespaces',
  };
}

export const launchingGroup: ProbeGroup = {
  title: 'starting a server',
  look: () => [launcher(), openFiles(), scratch(), anotherRoot()],
};
