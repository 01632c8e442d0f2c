/**
 * Packages of a Debian suite other than the machine's own, sources too, got by apt with a configuration
 * that lives in a folder of ours: the machine's sources, lists and cache stay as they are. The
 * mirror is the one that the machine uses.
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scheduler } from 'node:timers/promises';
import { must, onPath, run } from '../run.ts';

export interface SourcePackage {
  /** With Debian's revision: '3.18.3-1'. */
  version: string;
  /** The unpacked tree, Debian's patches applied. */
  tree: string;
}

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const TRIES = 3;
const RETRY_MS = 5000;
const APT_S = 120;

/** Why no source package can be had here, or undefined. */
export function missingSources(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root';
  const lacking = ['apt-get', 'dpkg-source'].filter((program) => onPath(program) === undefined);
  return lacking.length === 0 ? undefined : `no ${lacking.join(', no ')}`;
}

/** The mirror the machine's own packages of Debian come from. Known once apt has its lists. */
export async function mirror(): Promise<string> {
  const format = '$(ORIGIN) $(COMPONENT) $(REPO_URI)';
  const targets = await must('apt-get', [
    'indextargets',
    '--format',
    format,
    'Created-By: Packages',
  ]);
  const found = /^Debian main (\S+)$/m.exec(targets)?.[1];
  if (found === undefined) throw new Error('apt has no list of a Debian mirror: apt-get update');
  return found;
}

/** Runs apt, again after a moment: mirrors fail for a while. */
async function patiently(options: readonly string[], words: readonly string[], cwd: string) {
  for (let tries = 1; ; tries++) {
    const ran = await run('apt-get', ['-q', ...options, ...words], { timeoutS: APT_S, cwd });
    if (ran.code === 0) return;
    const why = ran.stderr.trim().split('\n').at(-1) ?? ran.ended;
    if (tries === TRIES) throw new Error(`apt-get ${words.join(' ')}: ${why}`);
    await scheduler.wait(RETRY_MS);
  }
}

/** apt's options for a suite in `dir`, an empty folder of the caller's, with its list fetched. */
async function suiteIn(dir: string, suite: string, type: 'deb' | 'deb-src'): Promise<string[]> {
  const at = (name: string) => join(dir, 'apt', name);
  for (const name of ['lists/partial', 'cache/archives/partial']) {
    mkdirSync(at(name), { recursive: true });
  }
  const signed = existsSync(KEYRING) ? `[signed-by=${KEYRING}] ` : '';
  writeFileSync(at('sources.list'), `${type} ${signed}${await mirror()} ${suite} main\n`);
  const options = [
    `Dir::Etc::sourcelist=${at('sources.list')}`,
    'Dir::Etc::sourceparts=/dev/null',
    `Dir::State::lists=${at('lists')}`,
    `Dir::Cache=${at('cache')}`,
    'Acquire::Languages=none',
    // The folder is ours alone: apt's unprivileged user cannot enter it.
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option]);
  await patiently(options, ['update'], dir);
  return options;
}

/**
 * Fetches the list of a suite's packages into `dir`, an empty folder of the caller's; gives a function
 * that unpacks the last one whose name begins so into `dir`/tree and names it.
 */
export async function debianPackages(
  suite: string,
  dir: string,
): Promise<(begin: string, end: string) => Promise<{ name: string; tree: string }>> {
  const options = await suiteIn(dir, suite, 'deb');
  return async (begin, end) => {
    const names = (await must('apt-cache', [...options, 'pkgnames', begin])).split('\n');
    const name = names
      .filter((one) => one.endsWith(end))
      .sort()
      .at(-1);
    if (name === undefined) throw new Error(`${suite} has no package ${begin}*${end}`);
    await patiently(options, ['download', name], dir);
    const file = readdirSync(dir).find((one) => one.startsWith(`${name}_`));
    if (file === undefined) throw new Error(`apt-get download ${name} brought nothing`);
    const tree = join(dir, 'tree');
    await must('dpkg-deb', ['-x', join(dir, file), tree]);
    return { name, tree };
  };
}

/**
 * Fetches the list of a suite's sources into `dir`, an empty folder of the caller's; gives a function
 * that fetches and unpacks one of them.
 */
export async function debianSources(
  suite: string,
  dir: string,
): Promise<(name: string) => Promise<SourcePackage>> {
  const options = await suiteIn(dir, suite, 'deb-src');
  return async (name) => {
    const place = join(dir, name);
    mkdirSync(place);
    await patiently(options, ['source', name], place);
    const names = readdirSync(place, { withFileTypes: true });
    const version = names
      .map((entry) => /^[^_]+_(.+)\.dsc$/.exec(entry.name)?.[1])
      .find((found) => found !== undefined);
    const tree = names.find((entry) => entry.isDirectory());
    if (version === undefined || tree === undefined) {
      throw new Error(`apt-get source ${name} brought no tree: ${names.map((n) => n.name)}`);
    }
    return { version, tree: join(place, tree.name) };
  };
}
