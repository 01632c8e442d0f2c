/**
 * QEMU's storage daemon: an image exported through libfuse's low-level interface as one regular file,
 * mounted on a regular file. A recipe for each format, writable beyond its end (`growable`) or not.
 */
import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Prng } from '../prng.ts';
import { must, run } from '../run.ts';
import { sourceText } from '../source_tree.ts';
import { missingPrograms, type Recipe, versionLine } from './recipe.ts';

/** What the exported image holds at first: text, then nothing. */
const TEXT_BYTES = 2 << 20;
export const IMAGE_BYTES = 16 << 20;

type Format = 'raw' | 'qcow2';

/** The format's driver above the file's. */
const BLOCKDEVS: Record<Format, readonly string[]> = {
  raw: ['driver=file,node-name=image,filename={fixture}/disk.raw,discard=unmap'],
  qcow2: [
    'driver=file,node-name=file,filename={fixture}/disk.qcow2,discard=unmap',
    'driver=qcow2,node-name=image,file=file,discard=unmap',
  ],
};

async function prepare(fixture: string, format: Format): Promise<void> {
  const raw = join(fixture, 'disk.raw');
  writeFileSync(raw, sourceText(new Prng(3), TEXT_BYTES));
  truncateSync(raw, IMAGE_BYTES);
  if (format === 'raw') return;
  const to = ['-f', 'raw', '-O', format, raw, join(fixture, `disk.${format}`)];
  await must('qemu-img', ['convert', ...to]);
  rmSync(raw);
}

/** What is not the same in two fixtures, or undefined. */
async function difference(one: string, other: string, format: Format) {
  const images = [one, other].map((fixture) => join(fixture, `disk.${format}`));
  // Strict: also what is a hole in one and zeros in the other, and the size.
  const ran = await run('qemu-img', ['compare', '-s', '-f', format, '-F', format, ...images]);
  return ran.code === 0 ? undefined : `${ran.stdout}${ran.stderr}`.trim();
}

function recipe(format: Format, growable: boolean): Recipe {
  const grows = growable ? ',growable=on' : '';
  const exported = `type=fuse,id=export,node-name=image,mountpoint={mountpoint},writable=on${grows}`;
  const blockdevs = BLOCKDEVS[format].flatMap((one) => ['--blockdev', one]);
  const command = ['qemu-storage-daemon', ...blockdevs, '--export', exported];
  return {
    name: `qemu-${format}${growable ? '-growable' : ''}`,
    packages: ['qemu-utils', 'qemu-system-common', 'fuse3'],
    version: () =>
      versionLine('qemu-storage-daemon', ['--version'], /^qemu-storage-daemon version /),
    missing: () => missingPrograms(['qemu-storage-daemon', 'qemu-img']),
    prepare: (fixture) => prepare(fixture, format),
    difference: (one, other) => difference(one, other, format),
    root: 'file',
    variants: [
      { name: 'plain', command, end: 'sigterm' },
      {
        name: 'daemon',
        command: [...command, '--daemonize', '--pidfile', '{fixture}/pid'],
        daemon: true,
        end: 'sigterm',
      },
    ],
    capabilities: growable ? ['grow'] : [],
    sigtermCodes: [0],
    fusermount: false,
  };
}

export const qemuServers: readonly Recipe[] = [
  recipe('raw', false),
  recipe('raw', true),
  recipe('qcow2', false),
  recipe('qcow2', true),
];
