/** Which tests there are, what prepares them, and what is said at their end. */
import { defineConfig } from 'vitest/config';
import { SkipsReporter } from './rig/testing/skips-reporter.ts';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', 'dist/**', 'corpus/examples/**'],
    globalSetup: ['./rig/testing/global-setup.ts'],
    reporters: ['default', new SkipsReporter()],
    // Servers are real programs and many start at once: slow is not wrong.
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
