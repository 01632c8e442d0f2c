#!/usr/bin/env node
// The program `fuse-rig`: plain JavaScript, so that it can say what to do when nothing is built.
import { existsSync } from 'node:fs';

const main = new URL('../../dist/rig/cli/main.js', import.meta.url);
/** Its modules are read all at once; undefined where that needs more descriptors than there may be. */
async function load() {
  try {
    return await import(main.href);
  } catch (error) {
    if (error.code !== 'EMFILE') throw error;
    process.stderr.write('fuse-rig: too few files may be open to start; run ulimit -n 1024\n');
    process.exitCode = 77;
    return undefined;
  }
}

if (existsSync(main)) {
  const program = await load();
  await program?.run(process.argv.slice(2));
} else {
  process.stderr.write('fuse-rig: not built yet; run npm run build\n');
  process.exitCode = 4;
}
