/**
 * Current libfuse with io_uring, which no package brings: Debian's own is built without it. The test
 * set-up builds library and examples, unmodified, from the source packages of suite sid, once, into a
 * cache folder; delete the folder for a newer one.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must, run } from '../run.ts';
import { cache } from './cache.ts';
import { debianSources, missingSources } from './debian_source.ts';
import { missingDevice, type Recipe, type Variant } from './recipe.ts';
import { missingRing } from './ring.ts';

const PROGRAMS = ['passthrough_hp', 'memfs_ll', 'notify_store_retrieve'] as const;
export type LibfuseProgram = (typeof PROGRAMS)[number];

/** What the build needs. */
export const BUILD_PACKAGES = [
  ...['dpkg-dev', 'meson', 'ninja-build', 'pkg-config', 'make', 'gcc', 'g++'],
  'libnuma-dev',
] as const;

const SUITE = 'sid';
const BUILD_S = 300;

/** Folder of the newest build, or undefined: libfuse-3.18.3-1+liburing-2.15-1. */
function newestBuild(): string | undefined {
  const builds = existsSync(cache())
    ? readdirSync(cache()).filter((name) => /^libfuse-.*\+liburing-/.test(name))
    : [];
  const newest = builds
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .findLast((name) => PROGRAMS.every((program) => existsSync(join(cache(), name, program))));
  return newest === undefined ? undefined : join(cache(), newest);
}

/** liburing as a static library below `prefix`: Debian's stable releases have older ones. */
async function buildLiburing(tree: string, prefix: string): Promise<void> {
  const options = { cwd: tree, timeoutS: BUILD_S };
  await must('./configure', [`--prefix=${prefix}`], options);
  await must('make', ['-j2', '-C', 'src', 'install', 'ENABLE_SHARED=0'], options);
  await must('make', ['install', 'ENABLE_SHARED=0'], options);
}

async function buildLibfuse(tree: string, liburing: string): Promise<string> {
  const env = { PKG_CONFIG_PATH: join(liburing, 'lib/pkgconfig') };
  const options = { cwd: tree, timeoutS: BUILD_S, env };
  const wanted = ['-Dtests=false', '-Dutils=false', '-Dexamples=true', '-Denable-io-uring=true'];
  await must(
    'meson',
    ['setup', 'ring', '--prefix=/usr', '-Ddefault_library=static', ...wanted],
    options,
  );
  const config = readFileSync(join(tree, 'ring/fuse_config.h'), 'utf8');
  if (!/^#define HAVE_URING/m.test(config)) throw new Error('meson found no io_uring for libfuse');
  const targets = PROGRAMS.map((program) => `example/${program}`);
  await must('ninja', ['-C', 'ring', ...targets], options);
  return join(tree, 'ring/example');
}

/** Builds what is not there yet. Returns why it could not. */
export async function setUpLibfuse(say: (line: string) => void): Promise<string | undefined> {
  if (newestBuild() !== undefined) return undefined;
  const lacking = missingSources();
  if (lacking !== undefined) return lacking;
  const dir = mkdtempSync(join(tmpdir(), 'fuse-rig-libfuse-'));
  try {
    say(`libfuse with io_uring: building it from the source packages of ${SUITE}, this once`);
    const source = await debianSources(SUITE, dir);
    const [fuse, uring] = [await source('fuse3'), await source('liburing')];
    await buildLiburing(uring.tree, join(dir, 'prefix'));
    const built = await buildLibfuse(fuse.tree, join(dir, 'prefix'));
    publish(built, `libfuse-${fuse.version}+liburing-${uring.version}`);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Puts the programs into the cache in one step: another set-up may do the same just now. */
function publish(built: string, name: string): void {
  const target = join(cache(), name);
  const partial = join(cache(), `.partial-${process.pid}`);
  mkdirSync(partial, { recursive: true });
  try {
    for (const program of PROGRAMS) copyFileSync(join(built, program), join(partial, program));
    renameSync(partial, target);
  } catch (error) {
    if (newestBuild() !== target) throw error;
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** Path of one of the programs, whether it is there or not. */
export const libfuseProgram = (program: LibfuseProgram): string =>
  join(newestBuild() ?? join(cache(), 'libfuse'), program);

type Own = Pick<Recipe, 'name' | 'prepare' | 'capabilities' | 'sigtermCodes'>;

/**
 * A recipe of one of the programs. Each variant is its name, its options for -o beside io_uring, and
 * the words of the command beside program and -o.
 */
export function libfuseRecipe(
  program: LibfuseProgram,
  own: Own,
  words: readonly string[],
  variants: readonly [RingVariant, ...RingVariant[]],
): Recipe {
  const path = () => libfuseProgram(program);
  const variant = ({ name, options = [], flags = [] }: RingVariant): Variant => ({
    name,
    command: [path(), ...flags, '-o', ['io_uring', ...options].join(','), ...words],
    missing: missingRing,
  });
  return {
    ...own,
    transport: 'ring',
    queuesBlock: true,
    packages: BUILD_PACKAGES,
    fusermount: false,
    missing: () =>
      existsSync(path())
        ? missingDevice()
        : `no ${program} with io_uring: node dist/corpus/servers/setup.js builds it`,
    version: async () => {
      const ran = await run(path(), ['--help'], { timeoutS: 10 });
      const [, fuse, uring] = /libfuse-(.*)\+liburing-(.*)\//.exec(path()) ?? [];
      return ran.code === 0 ? `libfuse ${fuse} with liburing ${uring}, built here` : undefined;
    },
    // Known only when the set-up has built it.
    get variants() {
      const [plain, ...others] = variants;
      return [variant(plain), ...others.map(variant)] as const;
    },
  };
}

interface RingVariant {
  name: string;
  options?: readonly string[];
  flags?: readonly string[];
}

/** The same server, in the same way, without its ring. */
export const overDevice = (variant: Variant): Variant => ({
  ...variant,
  command: variant.command.map((word) => (word.startsWith('io_uring') ? 'fsname=device' : word)),
});
