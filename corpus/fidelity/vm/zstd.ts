/** The zstd stream inside a bzImage: what the kernel unpacks itself from. */
import { writeFileSync } from 'node:fs';
import { execa } from 'execa';

const MAGIC = Buffer.from('28b52ffd', 'hex');
const ELF = Buffer.from('\x7fELF', 'latin1');

/** Writes what the first zstd stream in `image` holds to `path`; it must be an ELF file. */
export async function zstdDecompress(image: Uint8Array, path: string): Promise<void> {
  const at = Buffer.from(image).indexOf(MAGIC);
  if (at < 0) throw new Error('the kernel image holds no zstd stream');
  // What follows the stream makes zstd fail after all of it is written.
  const { stdout } = await execa('zstd', ['-dc'], {
    input: image.subarray(at),
    encoding: 'buffer',
    reject: false,
    stderr: 'ignore',
    maxBuffer: 1 << 28,
  });
  if (!Buffer.from(stdout.subarray(0, ELF.length)).equals(ELF)) {
    throw new Error('the zstd stream of the kernel image is no ELF file');
  }
  writeFileSync(path, stdout);
}
