/** Tests that pass and that are skipped, for the reporter's own test. */
import { describe, expect, it } from 'vitest';

describe('a sample', () => {
  it('passes', () => expect(1 + 1).toBe(2));
  it('is skipped for a reason', (context) => context.skip(true, 'the moon is not full'));
  it.todo('is skipped for none');
});
