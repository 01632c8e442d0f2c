/**
 * A block image whose root is one file: writes and reads of 512 bytes to 1 MiB and discards, by eight
 * clients at once, each in a part of its own, cached and with O_DIRECT; holes, sizes, the end.
 */
import { basename, dirname } from 'node:path';
import { times, type Workload } from './workload.ts';

const DEPTH = 8;
const ROUNDS = { small: 1, full: 16 } as const;
const PART = 1 << 20;

/** Block size and how much of a part is written in such blocks. */
const BLOCKS = [
  ['1M', '1M'],
  ['64K', '512K'],
  ['4K', '128K'],
  ['512', '32K'],
] as const;

/** What all clients do at once; `make(i, from)` gives the operations of client i, whose part is at `from`. */
const together = (phase: string, make: (i: number, from: number) => string[]): string[] => [
  ...times(DEPTH, (i) => [`spawn ${phase}${i}`, ...make(i, i * PART), 'end']).flat(),
  ...times(DEPTH, (i) => `join ${phase}${i}`),
];

function traffic(image: string, flags: string, seed: number): string[] {
  const open = `open f ${image} RDWR${flags}`;
  return [
    ...together('w', (i, from) => [
      open,
      ...BLOCKS.map(([block, total], n) => `fill f ${seed + 10 * i + n} ${total} ${block} ${from}`),
      'fsync f',
    ]),
    ...together('r', (_, from) => [
      open,
      ...BLOCKS.flatMap(([block]) => [
        `read f ${block} ${from}`,
        `read f ${block} ${from + PART / 2}`,
      ]),
      `read f 64K ${from + 512}`,
    ]),
    // Reads between the writes of others.
    ...together('m', (i, from) => [
      open,
      ...times(16, (n) =>
        (i + n) % 2 === 0
          ? `write f ${seed + n} 4K ${from + n * 4096}`
          : `read f 16K ${from + n * 32768}`,
      ),
    ]),
  ];
}

const discards = (image: string): string[] => [
  ...together('d', (i, from) => [
    `open f ${image} RDWR`,
    `fallocate f KEEP_SIZE|PUNCH_HOLE ${from + 65536} ${65536 * (1 + (i % 3))}`,
    `fallocate f KEEP_SIZE|PUNCH_HOLE ${from + 512} 1024`,
    `fallocate f KEEP_SIZE|ZERO_RANGE ${from + 524288} 131072`,
    `fallocate f ZERO_RANGE ${from + 786432} 4096`,
    `read f 512K ${from}`,
    'fsync f',
  ]),
  `open f ${image} RDWR`,
  'fallocate f 0 0 4096',
  'fallocate f PUNCH_HOLE 0 4096',
  'fallocate f COLLAPSE_RANGE 0 65536',
  // Not within what was zeroed: whether an unwritten extent is data, its page cache says (iomap_seek_data()).
  ...times(DEPTH, (i) => [`lseek f HOLE ${i * PART}`, `lseek f DATA ${i * PART + 65536}`]).flat(),
  `lseek f DATA ${12 * PART}`,
  `lseek f HOLE ${12 * PART}`,
  'lseek f END 0',
  'close f',
];

/** Beyond the end: refused, or growth. */
const end = (image: string, seed: number): string[] => [
  `open f ${image} RDWR`,
  `read f 64K ${16 * PART - 4096}`,
  `read f 4K ${16 * PART}`,
  `write f ${seed} 4096 ${16 * PART - 4096}`,
  `write f ${seed} 8192 ${16 * PART - 4096}`,
  'fstat f',
  `write f ${seed + 1} 1M ${17 * PART}`,
  'fstat f',
  `fallocate f 0 ${18 * PART} 65536`,
  `fallocate f ZERO_RANGE ${18 * PART + 32768} 65536`,
  'fstat f',
  `ftruncate f ${20 * PART}`,
  'fstat f',
  `ftruncate f ${15 * PART}`,
  'fstat f',
  'fsync f',
  'close f',
];

export const image: Workload = {
  name: 'image',
  root: 'file',
  needs: [],
  programs: [],
  async run({ mountpoint, seed, size }, log) {
    const name = basename(mountpoint);
    const rounds = times(ROUNDS[size], (round) => [
      ...traffic(name, '|DIRECT', seed + 1000 * round),
      ...traffic(name, '', seed + 1000 * round + 500),
      ...discards(name),
    ]).flat();
    await log.client(dirname(mountpoint), [
      `stat ${name}`,
      ...rounds,
      ...end(name, seed),
      `stat ${name}`,
      `open f ${name} RDONLY|DIRECT`,
      'drain f 1M',
      'close f',
    ]);
  },
};
