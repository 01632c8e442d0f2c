/** Locks (native/clients/ops_lock.cc); without POSIX_LOCKS and FLOCK_LOCKS they are the kernel's own. */
import { decode } from '../../../rig/protocol/codec.ts';
import { LK_OUT } from '../../../rig/protocol/structs-file.ts';
import { ended, failed, flagsOf, type Operations, type View, type Work } from './ask.ts';

const F = { RD: 0, WR: 1, UN: 2 };
const FLOCK = { SH: 1, EX: 2, UN: 8, NB: 4 };
const LAST = 2n ** 63n - 1n;
/** Any pid: it is masked on both sides. */
const PID = 77;

function rangeOf(type: string, start = '0', size = '0', pid = PID) {
  const from = BigInt(start);
  const end = size === '0' ? LAST : from + BigInt(size) - 1n;
  return { start: from, end, type: flagsOf(F, type), pid };
}

function* lock(view: View, op: 'SETLK' | 'SETLKW', words: readonly string[]): Work {
  const [slot = '', type = '', start, size] = words;
  const file = view.slots.get(slot);
  if (file === undefined) return 'EBADF';
  if (!view.has('POSIX_LOCKS')) return '0';
  // What is taken away needs no waiting.
  const lk = rangeOf(type, start, size, type === 'UN' ? 0 : PID);
  return ended(yield { op, nodeid: file.nodeid, args: { fh: file.fh, lk } });
}

export const LOCKS: Operations = {
  *flock(view, [slot = '', how = '']): Work {
    const file = view.slots.get(slot);
    if (file === undefined) return 'EBADF';
    const flocks = view.minor < 17 ? view.has('POSIX_LOCKS') : view.has('FLOCK_LOCKS');
    if (!flocks) return '0';
    file.flocked = true;
    const bits = flagsOf(FLOCK, how);
    const type = bits & FLOCK.UN ? F.UN : bits & FLOCK.EX ? F.WR : F.RD;
    const lk = { start: 0n, end: LAST, type, pid: type === F.UN ? 0 : PID };
    const op = bits & FLOCK.NB || type === F.UN ? 'SETLK' : 'SETLKW';
    return ended(yield { op, nodeid: file.nodeid, args: { fh: file.fh, lk, lk_flags: 1 } });
  },
  setlk: (view, words) => lock(view, 'SETLK', words),
  setlkw: (view, words) => lock(view, 'SETLKW', words),
  *getlk(view, [slot = '', type = '', start, size]): Work {
    const file = view.slots.get(slot);
    if (file === undefined) return 'EBADF';
    if (!view.has('POSIX_LOCKS')) return 'free';
    const args = { fh: file.fh, lk: rangeOf(type, start, size, 0) };
    const got = yield { op: 'GETLK', nodeid: file.nodeid, args };
    if (got.error !== 0) return failed(got);
    const { lk } = decode(LK_OUT, got.body);
    if (lk.type === F.UN) return 'free';
    const length = lk.end === LAST ? 0n : lk.end - lk.start + 1n;
    return `${lk.type === F.RD ? 'RD' : 'WR'} ${lk.start} ${length} of ${lk.pid > 0 ? 'a' : 'no'} process`;
  },
};
