/** A test that fails, and a file that cannot be run: see broken.sample.ts. */
import { expect, it } from 'vitest';

it('fails', () => expect(1 + 1).toBe(3));
