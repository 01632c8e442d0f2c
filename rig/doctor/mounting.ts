/** Recording a live mount: the device, and a way to mount. */
import { readdirSync, type Stats, statfsSync, statSync } from 'node:fs';
import { native } from '../../native/load.ts';
import { errnoName } from '../protocol/errno.ts';
import { findProgram } from './find_program.ts';
import { ofCall, okIf, type Probed, type ProbeGroup } from './probe.ts';

const O_RDWR = 2;
const S_ISUID = 0o4000;
const FUSE_CTL_SUPER_MAGIC = 0x65735543;
/** A directory every machine has; mounted over in a mount namespace of the probe's own. */
const TARGET = '/proc';
const CONNECTIONS = '/sys/fs/fuse/connections';
const NO_RECORD = 'record: replay and everything else work without';

function device(): Probed {
  const fd = native.openFile('/dev/fuse', O_RDWR);
  if (fd >= 0) native.closeFd(fd);
  return {
    name: '/dev/fuse',
    need: 'record',
    ...ofCall(fd, 'opened'),
    costs: NO_RECORD,
    remedy:
      'modprobe fuse; chmod 666 /dev/fuse; in a container: docker run --device /dev/fuse --cap-add SYS_ADMIN',
  };
}

/** fusermount3 on PATH, as the kernel would run it for us. */
function fusermount(): { ok: boolean; detail: string } {
  const path = findProgram('fusermount3');
  if (path === undefined) return { ok: false, detail: 'no fusermount3 on PATH' };
  const { uid, mode }: Stats = statSync(path);
  const setuid = uid === 0 && (mode & S_ISUID) !== 0;
  return { ok: setuid, detail: `${path} ${setuid ? 'is' : 'is not'} setuid root` };
}

/** The ways to mount: one is enough. */
function mounting(direct: number): Probed[] {
  const helper = fusermount();
  const found = direct === 0 ? 'mount(2) does it' : helper.detail;
  const way: Probed = {
    name: 'mounting',
    need: 'record',
    state: okIf(direct === 0 || helper.ok),
    detail: direct === 0 || helper.ok ? found : `mount(2): ${errnoName(direct)}; ${found}`,
    costs: NO_RECORD,
    remedy:
      'run as root, or install fusermount3 setuid root (Debian: apt-get install fuse3); in a container: --cap-add SYS_ADMIN',
  };
  const setuid: Probed = {
    name: 'fusermount3',
    need: 'extra',
    state: okIf(helper.ok),
    detail: helper.detail,
    costs: 'recording as an ordinary user',
    remedy: 'apt-get install fuse3',
  };
  return [way, setuid];
}

function userNamespace(result: number): Probed {
  return {
    name: 'mounting in a user namespace',
    need: 'extra',
    ...ofCall(result, 'unshare --user --map-root-user --mount'),
    costs: 'recording as an ordinary user without fusermount3',
    remedy:
      'a /dev/fuse everybody may open, and user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)',
  };
}

function fusectl(): Probed {
  let ok = false;
  let detail = 'not mounted';
  try {
    ok = statfsSync(CONNECTIONS).type === FUSE_CTL_SUPER_MAGIC;
    if (ok) detail = `${readdirSync(CONNECTIONS).length} connections`;
  } catch {}
  return {
    name: 'fusectl',
    need: 'extra',
    state: okIf(ok),
    detail,
    costs: 'aborting a mount that hangs, by hand',
    remedy: `mount -t fusectl none ${CONNECTIONS}`,
  };
}

export const mountingGroup: ProbeGroup = {
  title: 'recording a live mount',
  look: () => [
    device(),
    ...mounting(native.probeMount(TARGET, false)),
    userNamespace(native.probeMount(TARGET, true)),
    fusectl(),
  ],
};
