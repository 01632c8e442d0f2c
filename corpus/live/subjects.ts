/** Real servers under a workload on a real mount, and the faults each of them meets, one a run. */
import { bindfs } from '../servers/bindfs.ts';
import { gocryptfs } from '../servers/gocryptfs.ts';
import { libfusePassthroughHp } from '../servers/libfuse_passthrough_hp.ts';
import { mergerfs } from '../servers/mergerfs.ts';
import type { Recipe } from '../servers/recipe.ts';
import { referencePassthrough } from '../servers/reference.ts';
import { referenceRingPassthrough } from '../servers/reference_ring.ts';
import { sshfs } from '../servers/sshfs.ts';
import type { LiveRun } from './run.ts';

export interface Subject {
  name: string;
  transport: 'device' | 'ring';
  recipe: Recipe;
  missing(): string | undefined;
}

const subject = (recipe: Recipe): Subject => ({
  name: recipe.name,
  transport: recipe.transport ?? 'device',
  recipe,
  missing: () => recipe.missing() ?? recipe.variants[0].missing?.(),
});

export const SUBJECTS: readonly Subject[] = [
  ...[referencePassthrough, bindfs, gocryptfs, sshfs, mergerfs],
  ...[referenceRingPassthrough, libfusePassthroughHp],
].map(subject);

/** One a run. A fault that no kernel does is not among them: what follows it is no bug. */
const BOTH = [
  'READ:abort:at=delivered',
  'WRITE:abort:at=delivered:when=2',
  'abort:at=delivered:inflight=2',
  'abort:at=init-replied',
  'LOOKUP:force:at=delivered:when=4',
  'WRITE:force=twice:at=delivered:when=3',
  'READ:lazy:at=delivered:when=2',
  'READ:unmount:at=delivered',
  'READ:sigterm:at=delivered',
  'WRITE:sigint:at=delivered',
  'WRITE:sigkill:at=delivered:when=2',
  'RELEASE:abort:at=delivered:when=2',
  'fds=0:at=delivered:until=6:when=6',
  'space=8192:at=delivered:until=12:when=5',
  'processes=0:at=delivered:until=8:when=5',
  'WRITE:backing-write=ENOSPC:when=1..2',
  'open=EMFILE:when=3',
];
export const FAULTS: Readonly<Record<Subject['transport'], readonly string[]>> = {
  device: [
    ...BOTH,
    'READ,WRITE,LOOKUP:read=EINTR:when=1..9+2',
    'GETATTR,LOOKUP:write=EFAULT:when=2',
    'WRITE:abort:at=reply-write:when=2',
    'abort:at=before-init-reply',
  ],
  ring: [
    ...BOTH,
    'READ:abort:at=cqe-before-commit:when=2',
    'WRITE:abort:at=commit:when=2',
    'abort:at=registered:when=3',
    'sigterm:at=before-register:when=2',
    'register=ENOMEM:when=3',
  ],
};

/** Four clients at once: trees are written, read back, renamed and removed. A client that fails goes on. */
const WORK = `cd {mountpoint} || exit 1
for n in 1 2 3 4; do (
  mkdir d$n; cd d$n || exit
  dd if=/dev/urandom of=f bs=64k count=4 2>/dev/null; sync f
  dd if=f of=/dev/null bs=64k iflag=direct 2>/dev/null
  cat f > g; cmp f g; mv g h; stat h none; ls -l; ln -s h l; truncate -s 5000 h; cat h; rm -f f h l
  cd ..; rmdir d$n
) & done; wait`;

/** `fault` empty: none. */
export function subjectRun({ recipe }: Subject, fault: string): LiveRun {
  return {
    command: recipe.variants[0].command,
    faults: fault === '' ? [] : [fault],
    work: `(${WORK}) > /dev/null 2>&1`,
    prepare: (fixture) => recipe.prepare(fixture),
  };
}
