/**
 * A newer kernel in a virtual machine, for the probes: its package of Debian's backports by apt, an
 * initramfs with the prober, and qemu without KVM. The prober's stdin and stdout are qemu's.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { nativePath } from '../../../native/load.ts';
import { must, onPath } from '../../run.ts';
import { debianPackages, missingSources } from '../../servers/debian_source.ts';
import { zstdDecompress } from './zstd.ts';

const SUITE = 'trixie-backports';
const PACKAGE = ['linux-binary-unsigned-7.3', 'cloud-amd64'] as const;
const NEEDED = ['qemu-system-x86_64', 'busybox', 'cpio', 'gzip', 'zstd', 'ldd'];
/** Where the prober's mounts are, in the guest. */
export const GUEST_DIR = '/probes';

export interface Machine {
  /** uname -r of the guest. */
  readonly release: string;
  /** Whose stdin and stdout are the prober's. */
  readonly command: readonly string[];
}

/** Why there can be no machine here, or undefined. */
export function missingMachine(): string | undefined {
  const lacking = NEEDED.filter((program) => onPath(program) === undefined);
  return lacking.length > 0 ? `no ${lacking.join(', no ')}` : missingSources();
}

const INIT = `#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp ${GUEST_DIR}
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t tmpfs tmp ${GUEST_DIR}
/bin/busybox mount -t fusectl none /sys/fs/fuse/connections
echo Y > /sys/module/fuse/parameters/enable_uring
PORT=/dev/vport1p1
[ -e $PORT ] || PORT=/dev/vport0p1
exec 3<>$PORT
/prober <&3 >&3
/bin/busybox poweroff -f
`;

/** The program and the libraries it is linked with, under `root` as they are here. */
async function install(root: string, program: string): Promise<void> {
  const libraries = [...(await must('ldd', [program])).matchAll(/(\/\S+) \(0x/g)].map(
    ([, path]) => path as string,
  );
  for (const path of libraries) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    copyFileSync(path, join(root, path));
  }
  copyFileSync(program, join(root, 'prober'));
}

/** Builds everything in `dir`, an empty folder of the caller's. */
export async function machineIn(dir: string): Promise<Machine> {
  const unpack = await debianPackages(SUITE, dir);
  const { name, tree } = await unpack(...PACKAGE);
  const release = name.replace('linux-binary-unsigned-', '');
  const image = readFileSync(join(tree, 'usr/lib/modules', release, 'vmlinuz.unsigned'));
  const kernel = join(dir, 'vmlinux');
  await zstdDecompress(image, kernel);
  const root = join(dir, 'root');
  mkdirSync(join(root, 'bin'), { recursive: true });
  const busybox = onPath('busybox') as string;
  copyFileSync(busybox, join(root, 'bin', basename(busybox)));
  await install(root, nativePath('fuse-rig-probe'));
  writeFileSync(join(root, 'init'), INIT, { mode: 0o755 });
  const archive = join(dir, 'initramfs.gz');
  await must('sh', ['-c', `find . | cpio -o -H newc --quiet | gzip -1 > ${archive}`], {
    cwd: root,
  });
  return { release, command: qemu(kernel, archive) };
}

const APPEND =
  'console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable damon_stat.enabled=N rdinit=/init';

const qemu = (kernel: string, archive: string): string[] => [
  'qemu-system-x86_64',
  ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '512'],
  ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
  ...['-kernel', kernel, '-initrd', archive, '-append', APPEND],
  ...['-chardev', 'stdio,id=p,signal=off', '-device', 'virtio-serial-pci'],
  ...['-device', 'virtserialport,chardev=p,name=probe'],
];
