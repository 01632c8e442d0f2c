// Builds the native parts with make and a C++17 compiler. An explicit step (`npm run build`), since
// newer npm majors do not run install scripts. The addon speaks Node-API only, so one build serves
// every Node version we support.

import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execaSync } from 'execa';

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);

for (const tool of ['make', process.env.CXX ?? 'g++']) {
  const { failed } = execaSync(tool, ['--version'], { reject: false });
  if (failed) {
    console.error(
      `fuse-rig: building the native parts needs ${tool}; install it (Debian: apt-get install make g++)`,
    );
    process.exit(1);
  }
}

const include = [
  dirname(require.resolve('node-addon-api/napi.h')),
  require('node-api-headers').include_dir,
];
const { exitCode } = execaSync(
  'make',
  [
    '-s',
    `-j${availableParallelism()}`,
    '-C',
    here,
    `OUT=${resolve(join(here, '../dist/native'))}`,
    `NODE_INC=${include.join(' ')}`,
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit', reject: false },
);
process.exit(exitCode ?? 1);
