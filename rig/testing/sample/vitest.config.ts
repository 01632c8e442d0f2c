/** A run of its own for skips-reporter.test.ts. */
import { defineConfig } from 'vitest/config';
import { SkipsReporter } from '../skips-reporter.ts';

export default defineConfig({
  test: { include: ['*.sample.ts'], reporters: ['default', new SkipsReporter()] },
});
