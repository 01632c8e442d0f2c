#!/usr/bin/env node
// The program `fuse-rig`: plain JavaScript, so that it can say what to do when nothing is built.
import { existsSync } from 'node:fs';

const main = new URL('../../dist/rig/cli/main.js', import.meta.url);
if (existsSync(main)) {
  const { run } = await import(main.href);
  await run(process.argv.slice(2));
} else {
  process.stderr.write('fuse-rig: not built yet; run npm run build\n');
  process.exitCode = 4;
}
