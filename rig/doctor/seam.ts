/**
 * Standing between a server and its system calls: a child goes under a filter, is held in a call,
 * read, written and answered as a server would be (native/addon/probe.cc).
 */
import { readFileSync } from 'node:fs';
import { native, type SeamProbe } from '../../native/load.ts';
import { ERRNO, errnoName } from '../protocol/errno.ts';
import { NOT_TRIED, ofCall, okIf, type Probed, type ProbeGroup } from './probe.ts';

const NO_SEAM = 'record and replay: no server can be supervised';
const CONTAINER =
  'in a container, allow it: docker run --cap-add SYS_PTRACE --security-opt seccomp=unconfined';

function listener({ fork, noNewPrivs, killable, plain }: SeamProbe): Probed {
  const row = { name: 'seccomp listener', need: 'replay', costs: NO_SEAM } as const;
  if (fork < 0) {
    const remedy = 'allow more processes (ulimit -u)';
    return { ...row, state: 'missing', detail: `no child process: ${errnoName(fork)}`, remedy };
  }
  if (noNewPrivs < 0) {
    return { ...row, ...ofCall(noNewPrivs), remedy: 'a kernel with PR_SET_NO_NEW_PRIVS' };
  }
  if (killable === 0) {
    return { ...row, state: 'ok', detail: 'user notification with WAIT_KILLABLE_RECV', remedy: '' };
  }
  if (plain === 0) {
    const detail = `only without WAIT_KILLABLE_RECV (${errnoName(killable)})`;
    return { ...row, state: 'missing', detail, remedy: 'Linux 5.19 or newer' };
  }
  const remedy =
    killable === -ERRNO.EBUSY
      ? 'another program already listens to this process tree: run outside of it'
      : CONTAINER;
  return { ...row, ...ofCall(killable), remedy };
}

/** Yama's word on process_vm_readv and pidfd_getfd; whether it stands in the way is what those say. */
function yama(memory: number): Probed {
  let scope: string | undefined;
  try {
    scope = readFileSync('/proc/sys/kernel/yama/ptrace_scope', 'utf8').trim();
  } catch {}
  return {
    name: 'Yama ptrace_scope',
    need: 'extra',
    state: scope === undefined ? 'ok' : ofCall(memory).state,
    detail: scope === undefined ? 'no Yama in this kernel' : `ptrace_scope ${scope}`,
    costs: NO_SEAM,
    remedy: 'sysctl kernel.yama.ptrace_scope=1 (0 and 1 both do)',
  };
}

export const seamGroup: ProbeGroup = {
  title: 'supervising a server',
  look() {
    const probe = native.probeSeam();
    const needed = (name: string, result: number, found: string): Probed => ({
      name,
      need: 'replay',
      ...ofCall(result, found),
      costs: NO_SEAM,
      remedy: CONTAINER,
    });
    return [
      listener(probe),
      needed('a held call', probe.receive, 'SECCOMP_IOCTL_NOTIF_RECV'),
      needed('process_vm_readv', probe.readMemory, "read a child's memory"),
      needed('process_vm_writev', probe.writeMemory, "wrote a child's memory"),
      needed('pidfd_open', probe.pidfdOpen, ''),
      needed('pidfd_getfd', probe.pidfdGetfd, 'took a descriptor of a child'),
      needed('ADDFD_SEND', probe.addfdSend, 'gave a child a descriptor as its answer'),
      {
        name: 'synchronous wake-up',
        need: 'extra',
        ...ofCall(probe.syncWake, 'SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP'),
        costs: 'speed: a supervised call takes about three times as long',
        remedy: 'Linux 6.6 or newer',
      },
      yama(probe.readMemory),
      ...procRows(probe),
    ];
  },
};

/** What tells a server that waits for ever from one that works, looked at on the held child. */
function procRows(probe: SeamProbe): Probed[] {
  const row = (name: string, ok: boolean, found: string, remedy: string): Probed => ({
    name,
    need: 'replay',
    ...(probe.receive === 0
      ? { state: okIf(ok), detail: ok ? found : 'empty or not readable' }
      : ofCall(NOT_TRIED)),
    costs: 'replay: it cannot tell a server that hangs from one that works',
    remedy,
  });
  return [
    row('children in /proc', /\d/.test(probe.children), '', 'a kernel with CONFIG_PROC_CHILDREN'),
    row(
      'wchan in /proc',
      !/^0?$/.test(probe.wchan),
      probe.wchan,
      'a kernel with CONFIG_KALLSYMS, and /proc without hidepid',
    ),
    row(
      'schedstat in /proc',
      /^\d+ \d+ [1-9]/.test(probe.schedstat),
      '',
      'a kernel with CONFIG_SCHED_INFO',
    ),
    row('syscall in /proc', /^\d+ 0x/.test(probe.call), '', CONTAINER),
  ];
}
