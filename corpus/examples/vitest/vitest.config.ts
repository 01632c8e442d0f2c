/** A replay starts a real program: slow is not wrong. The server is said once, for all tests. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    testTimeout: 60_000,
    provide: {
      rigDefaults: {
        // Put your own server here: './exportd {fixture} {mountpoint}'. This one comes with fuse-rig.
        server: process.env.SERVER ?? '{server} --fs passthrough={fixture} {mountpoint}',
        logs: 'logs',
      },
    },
  },
});
