/** The operations of native/clients as the requests that the VFS makes of them, and what they come to. */
import type { Operations } from './ask.ts';
import { ATTRIBUTES } from './attributes.ts';
import { FILES } from './files.ts';
import { LOCKS } from './locks.ts';
import { NAMES } from './names.ts';
import { OPENING } from './opening.ts';

export const OPERATIONS: Operations = { ...NAMES, ...ATTRIBUTES, ...OPENING, ...FILES, ...LOCKS };
