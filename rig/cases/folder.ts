/**
 * The cases of a folder: every folder below it that holds a case.yaml, however deep. One that cannot be
 * used is an error by name, and costs the others nothing.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { CASE_FILE, type Case, caseOf } from './case.ts';
import { CaseError } from './error.ts';

/** A folder that is meant as a case and is none; the message says why. */
export interface Unusable {
  name: string;
  dir: string;
  message: string;
}

export interface Folder {
  dir: string;
  /** By name. */
  cases: Case[];
  unusable: Unusable[];
}

/** The folder cannot be used at all. */
export class FolderError extends Error {
  override name = 'FolderError';
}

/** Folders below `dir`, itself included, that hold a case.yaml, or a capture that has lost its own. */
function caseFolders(dir: string): string[] {
  const entries = readdirSync(dir, { withFileTypes: true });
  const names = entries.map((entry) => entry.name);
  if (names.includes(CASE_FILE)) return [dir];
  const lost = names.some((name) => name.endsWith('.fusecap'));
  const below = entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .flatMap((entry) => caseFolders(join(dir, entry.name)));
  return lost ? [dir, ...below] : below;
}

function readCase(name: string, dir: string): Case {
  const file = join(dir, CASE_FILE);
  if (!existsSync(file)) {
    throw new CaseError(name, `holds a capture and no ${CASE_FILE}; make one: fuse-rig corpus add`);
  }
  let yaml: string;
  try {
    yaml = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CaseError(name, `its ${CASE_FILE} cannot be read: ${code}`);
  }
  return caseOf(name, dir, yaml);
}

export function readFolder(path: string): Folder {
  const dir = resolve(path);
  if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory()) {
    throw new FolderError(`${path}: no such folder; name one that holds cases`);
  }
  const folder: Folder = { dir, cases: [], unusable: [] };
  const found = caseFolders(dir).map((at) => ({ name: basename(at), dir: at }));
  found.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.dir < b.dir ? -1 : 1));
  for (const { name, dir: at } of found) {
    try {
      const twins = found.filter((other) => other.name === name);
      if (twins.length > 1) {
        const places = twins.map((twin) => relative(dir, twin.dir)).join(' and ');
        throw new CaseError(name, `${places} have one name; rename all but one`);
      }
      folder.cases.push(readCase(name, at));
    } catch (error) {
      if (!(error instanceof CaseError)) throw error;
      folder.unusable.push({ name, dir: at, message: error.message });
    }
  }
  if (found.length === 0) {
    throw new FolderError(
      `${path}: no cases in it; a case is a folder with a ${CASE_FILE}: fuse-rig corpus add makes one`,
    );
  }
  return folder;
}
