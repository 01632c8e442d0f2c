/** `test`, with the rig in the context of every test that asks for it. */
import { test as base } from 'vitest';
import { Rig, type RigDefaults } from './rig.ts';

export interface RigFixtures {
  /** Set for a file with `test.override`, for a project with `provide` in its configuration. */
  rigDefaults: RigDefaults;
  rig: Rig;
}

declare module 'vitest' {
  interface ProvidedContext {
    rigDefaults: RigDefaults;
  }
}

export const test = base.extend<RigFixtures>({
  rigDefaults: [{}, { injected: true }],
  rig: async ({ annotate, signal, skip, task, rigDefaults }, use) => {
    const rig = new Rig({ annotate, signal, skip, task }, rigDefaults);
    await use(rig);
    const left = await rig.close();
    // A test that failed, or ran out of time, has said why.
    if (left === 0 || task.result?.state === 'fail') return;
    throw new Error(`the test ended while ${left} of its replays ran: await rig.replay(...)`);
  },
});
