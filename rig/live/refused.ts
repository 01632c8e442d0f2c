/** Rules that mean nothing in front of the real kernel, and why: only the model can do what they say. */
import { isChange, isResult, isTeardown, pointIn, type Rule } from '../../faults/rule.ts';

const TEARDOWNS: Readonly<Record<string, string>> = {
  device: 'no call makes a connection die by itself; abort ends it in the same way',
  'clone-loss': 'no kernel does it; a replay does',
  restart: 'clients of the mount would have to begin anew; a replay does it',
};

/** Why a live session cannot inject it, or undefined. */
export function liveRefusal(rule: Rule): string | undefined {
  if (isChange(rule)) {
    return 'what is asked, when and in which shape is up to the clients and the real kernel; a replay does it';
  }
  if (pointIn(rule)?.moment === 'ask') {
    return 'of the real kernel it is not seen when a client asks: take at=delivered; a replay knows at=asked';
  }
  if (isTeardown(rule)) {
    if (rule.fault.name === 'force' && process.geteuid?.() !== 0) return 'umount -f is for root';
    return TEARDOWNS[rule.fault.name];
  }
  if (!isResult(rule)) return undefined;
  const row = rule.fault.errnos.find(({ errno }) => errno === rule.errno);
  if (rule.fault.name === 'cqe' && row?.fate === 'kept') {
    return 'a request that the kernel has put into an entry cannot be taken back; a replay does it';
  }
  return undefined;
}
