/**
 * A server in a root file system of its own (`--root`): another release's, beside this machine's. What
 * is shared lies in it under the names it has here, so that no path needs to be translated, and the
 * directory itself is never changed (native/launcher/root.h).
 */
import { existsSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { LaunchError } from './launch_error.ts';

export interface Root {
  /** The directory. */
  dir: string;
  /** Absolute paths of this machine that the server finds there, beside those every run needs. */
  share: readonly string[];
}

/** Words between UMASK and COMMAND of the launcher; `needed` are the paths that every run shares. */
export function rootWords(root: Root | undefined, needed: readonly string[]): string[] {
  if (root === undefined) return ['-', '--'];
  checkRoot(root);
  return [realpathSync(root.dir), ...sharedPaths([...needed, ...root.share]), '--'];
}

/** Throws a LaunchError where it is no root, or a shared path is missing. */
export function checkRoot({ dir, share }: Root): void {
  if (statSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new LaunchError(`--root ${dir}: no such directory; name the root of an unpacked system`);
  }
  if (realpathSync(dir) === '/') {
    throw new LaunchError(`--root ${dir}: this is the machine's own root; leave --root out`);
  }
  const missing = share.find((path) => !existsSync(path));
  if (missing === undefined) return;
  throw new LaunchError(`--share ${missing}: no such path; name one of this machine that exists`);
}

/** Each once, none below another, and none that is there anyway. */
export function sharedPaths(paths: readonly string[]): string[] {
  const all = [...new Set(paths.map((path) => resolve(path)))];
  const below = (path: string, dir: string) => path.startsWith(`${dir}/`);
  return all.filter(
    (path) =>
      path !== '/' &&
      !['/proc', '/sys', '/dev'].some((dir) => path === dir || below(path, dir)) &&
      !all.some((other) => other !== '/' && below(path, other)),
  );
}

const LINKS_MAX = 40;

/** Where a path of the root is found here, its symbolic links followed as the server does; undefined: nowhere. */
export function foundInRoot(root: Root, path: string): string | undefined {
  const parts = path.split('/').reverse();
  let at: string[] = [];
  for (let links = 0; parts.length > 0 && links <= LINKS_MAX; ) {
    const part = parts.pop() as string;
    if (part === '' || part === '.') continue;
    if (part === '..') {
      at.pop();
      continue;
    }
    const inside = `/${[...at, part].join('/')}`;
    if (root.share.some((one) => inside === one || inside.startsWith(`${one}/`))) {
      const rest = join(inside, ...parts.reverse());
      return existsSync(rest) ? rest : undefined;
    }
    const target = linkTarget(join(root.dir, inside));
    if (target === undefined) {
      at.push(part);
      continue;
    }
    links++;
    if (target.startsWith('/')) at = [];
    parts.push(...target.split('/').reverse());
  }
  const found = join(root.dir, ...at);
  return parts.length === 0 && existsSync(found) ? found : undefined;
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Where execvp(3) would find a program in the root. */
export function programInRoot(
  root: Root,
  name: string,
  path = process.env.PATH,
): string | undefined {
  if (name.includes('/')) return foundInRoot(root, name);
  for (const dir of (path ?? '').split(':')) {
    const found = dir.startsWith('/') ? foundInRoot(root, join(dir, name)) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Why there is no seam: what failed on the way into the root. */
export function rootFailed(call: string, errno: string): LaunchError {
  const remedy =
    process.geteuid?.() === 0
      ? 'it needs CAP_SYS_ADMIN and overlayfs (in a container: docker run --privileged)'
      : 'for an ordinary user it needs user namespaces and overlayfs in them; or run it as root';
  return new LaunchError(
    `--root cannot be entered: ${call}: ${errno}; ${remedy}`,
    'missing-feature',
  );
}
