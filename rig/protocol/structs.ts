/** Every structure of protocol 7.45, as one list. Sizes and offsets are those of x86-64. */
import type { Layout } from './layout.ts';
import * as common from './structs-common.ts';
import * as file from './structs-file.ts';
import * as node from './structs-node.ts';
import * as session from './structs-session.ts';

export const STRUCTS: readonly Layout[] = [common, node, file, session].flatMap((theme) =>
  Object.values<Layout>(theme),
);
