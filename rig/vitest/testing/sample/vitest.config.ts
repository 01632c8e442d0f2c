/** Runs of their own for vitest.test.ts, told as one line of JSON. */
import { defineConfig } from 'vitest/config';
import type { Reporter, TestModule } from 'vitest/node';

/** What became of each test. */
class Told implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) =>
      [...module.children.allTests()].map((test) => {
        const result = test.result();
        return {
          name: test.fullName,
          state: result.state,
          note: result.state === 'skipped' ? result.note : undefined,
          errors: result.errors?.map(({ message }) => message) ?? [],
          annotations: test.annotations().map(({ type, message, attachment }) => ({
            type,
            message,
            body: Buffer.from(String(attachment?.body ?? ''), 'base64').toString(),
          })),
        };
      }),
    );
    process.stdout.write(`${JSON.stringify({ tests })}\n`);
  }
}

export default defineConfig({
  test: {
    include: ['*.sample.ts'],
    reporters: [new Told()],
    provide: { rigDefaults: { attach: 'findings' } },
  },
});
