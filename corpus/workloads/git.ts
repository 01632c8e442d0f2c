/** Clones a repository into the mount and works in it: many small files, renames, a large pack. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../run.ts';
import { tarOfTree } from './source_tar.ts';
import type { Workload } from './workload.ts';

const FILES = { small: 150, full: 5200 } as const;

/** Nothing of this machine's configuration, nothing in the background, one thread. */
const CONFIG = {
  'gc.auto': '0',
  'maintenance.auto': '0',
  'pack.threads': '1',
  'index.threads': '1',
  'checkout.workers': '1',
  'core.fsmonitor': 'false',
  'init.defaultBranch': 'main',
  'advice.detachedHead': 'false',
  'safe.directory': '*',
};

const env = {
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'fuse-rig',
  GIT_AUTHOR_EMAIL: 'rig@example.org',
  GIT_COMMITTER_NAME: 'fuse-rig',
  GIT_COMMITTER_EMAIL: 'rig@example.org',
  GIT_AUTHOR_DATE: '2000-01-01T00:00:00Z',
  GIT_COMMITTER_DATE: '2000-01-01T00:00:00Z',
  GIT_CONFIG_COUNT: String(Object.keys(CONFIG).length),
  ...Object.fromEntries(Object.keys(CONFIG).map((key, i) => [`GIT_CONFIG_KEY_${i}`, key])),
  ...Object.fromEntries(Object.values(CONFIG).map((value, i) => [`GIT_CONFIG_VALUE_${i}`, value])),
};

export const git: Workload = {
  name: 'git',
  needs: ['write'],
  programs: ['git', 'tar'],
  async run({ mountpoint, seed, size }, log) {
    const { dir, remove } = await tarOfTree(FILES[size], seed);
    try {
      await must('git', ['init', '-q', dir], { env });
      await must('git', ['-C', dir, 'add', '-A'], { env, timeoutS: 300 });
      await must('git', ['-C', dir, 'commit', '-q', '-m', 'tree'], { env, timeoutS: 300 });
      rmSync(join(dir, '.git/hooks'), { recursive: true, force: true });
      await log.client(mountpoint, ['mkdir git']);
      const clone = `${mountpoint}/git/clone`;
      await log.program('clone', 'git', ['clone', '-q', `file://${dir}`, clone], { env });
      const at = (label: string, ...args: string[]) =>
        log.program(label, 'git', ['-C', clone, ...args], { env, shown: 'lines' });
      await at('status', 'status', '--porcelain');
      await at('log', 'log', '--format=%H %s');
      await at('fsck', 'fsck', '--full', '--no-progress');
      await log.client(clone, [
        'open n new CREAT|RDWR',
        'fill n 5 20000 4K',
        'close n',
        'rename -dash renamed',
      ]);
      await at('add', 'add', '-A');
      await at('commit', 'commit', '-q', '-m', 'one more');
      await at('branch', 'checkout', '-q', '-b', 'side', 'HEAD~1');
      await at('repack', 'repack', '-a', '-d', '-q');
      await at('status', 'status', '--porcelain');
      await at('log', 'log', '--all', '--format=%H %s');
    } finally {
      remove();
    }
  },
};
