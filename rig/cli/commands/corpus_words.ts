/** What the commands about cases share: reading a folder, and its complaints as one line each. */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Folder, FolderError, readFolder } from '../../cases/folder.ts';
import { refuse } from './print.ts';

/** Where the cases are unless somebody says it. */
export const CASES_DIR = 'corpus/cases';

/** Of an option that may be given again: all of its values. */
export const another = (value: string, before: string[] = []): string[] => [...before, value];

/** The cases of `dir`; undefined, and said why, where there are none. */
export function folderOf(dir: string): Folder | undefined {
  try {
    return readFolder(dir);
  } catch (error) {
    if (!(error instanceof FolderError)) throw error;
    refuse(error.message);
    return undefined;
  }
}

/** Whether every name is one of the folder's; said where one is not. */
export function checkOnly(folder: Folder, names: readonly string[]): boolean {
  const there = [...folder.cases, ...folder.unusable].map(({ name }) => name);
  const unknown = names.find((name) => !there.includes(name));
  if (unknown === undefined) return true;
  refuse(`--only ${unknown}: no such case; there are ${[...new Set(there)].sort().join(', ')}`);
  return false;
}

/** Whether a file could be written there. */
export function isWritable(path: string): boolean {
  const is = (at: string) => statSync(at, { throwIfNoEntry: false })?.isDirectory() === true;
  return !is(path) && is(dirname(path));
}
