/**
 * The command a case starts its server with: the case's own, or what `--server` says. A command with
 * {mountpoint} stands in place of every case's; without, it is the program that {server} stands for.
 */
import { existsSync } from 'node:fs';
import { findProgram } from '../doctor/find_program.ts';
import { programInRoot, type Root } from '../seam/root.ts';
import type { Case } from './case.ts';

/** Words of `--server`. */
export type ServerChoice = readonly string[];

/** Why a case does not run here, or the command for it; {fixture} and {mountpoint} are left. */
export type Chosen = { command: string[] } | { skip: string };

const isThere = (program: string, root: Root | undefined): boolean => {
  if (root !== undefined) return programInRoot(root, program) !== undefined;
  return program.includes('/') ? existsSync(program) : findProgram(program) !== undefined;
};

export const replacesAll = (server: ServerChoice): boolean =>
  server.some((word) => word.includes('{mountpoint}'));

/** `bundled`: the reference server that comes with fuse-rig, for {server} when nobody says more. */
export function chooseServer(
  { server: own, needs }: Pick<Case, 'server' | 'needs'>,
  server: ServerChoice | undefined,
  bundled: string,
  root?: Root,
): Chosen {
  if (server !== undefined && replacesAll(server)) return { command: [...server] };
  const named = own.some((word) => word.includes('{server}'));
  if (server !== undefined && !named) {
    return { skip: `--server names a program, and the case starts its own: ${own[0]}` };
  }
  const command = own.flatMap((word) =>
    // Its arguments are words of their own where {server} is one.
    word === '{server}'
      ? (server ?? [bundled])
      : [word.replaceAll('{server}', server?.[0] ?? bundled)],
  );
  const lacking = [command[0] ?? '', ...needs].filter((program) => !isThere(program, root));
  const where = root === undefined ? '' : ` in ${root.dir}`;
  if (lacking.length > 0) {
    return { skip: `not installed${where}: ${[...new Set(lacking)].join(', ')}` };
  }
  return { command };
}

/** Words of a command as a shell would split them: blanks part, quotes and backslashes keep together. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (const [piece] of text.matchAll(/'[^']*'|"(?:\\.|[^"\\])*"|\\.|\s+|[^\s'"\\]+|./gs)) {
    if (/^\s/.test(piece)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (piece.startsWith("'") && piece.length > 1) word = (word ?? '') + piece.slice(1, -1);
    else if (piece.startsWith('"') && piece.length > 1) {
      word = (word ?? '') + piece.slice(1, -1).replaceAll(/\\(["\\$`])/g, '$1');
    } else if (piece.startsWith('\\') && piece.length > 1) word = (word ?? '') + piece.slice(1);
    else word = (word ?? '') + piece;
  }
  return word === undefined ? words : [...words, word];
}
