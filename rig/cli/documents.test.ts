// Documents of the command line: every fuse-rig command they show is one that fuse-rig takes.

import { type Command, CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { splitWords } from '../cases/server.ts';
import { filesBelow, readText } from '../testing/sources.ts';
import { buildProgram } from './main.ts';

/** Nothing is done by a command that is only parsed. */
function inert(command: Command): Command {
  for (const inner of command.commands) inert(inner);
  if (command.commands.length === 0) command.action(() => {});
  return command.configureOutput({ writeOut: () => {}, writeErr: () => {}, outputError: () => {} });
}

/** Why `fuse-rig WORDS` is not taken, or ''. */
function refused(words: readonly string[]): string {
  try {
    inert(buildProgram()).parse(words, { from: 'user' });
    return '';
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? '' : error.message;
  }
}

/** Command lines in the code blocks of a document. */
function shownIn(text: string): string[] {
  return [...text.matchAll(/^```\w*\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) =>
    block.split('\n').flatMap((line) => {
      const found = /^(?:\$ )?(?:npm exec |npx )?fuse-rig (?!\d)(.*)$/.exec(line);
      return found === null ? [] : [(found[1] as string).replace(/(\s#|\s\|| >|;).*$/, '')];
    }),
  );
}

const texts = filesBelow('').filter((path) => /^(docs\/.*|README|corpus\/.*)\.md$/.test(path));
const commands = texts.flatMap((path) => shownIn(readText(path)).map((line) => ({ path, line })));

describe('the documents', () => {
  it('show commands', () => expect(commands.length).toBeGreaterThan(10));

  it.each(commands)('$path: fuse-rig $line', ({ line }) => {
    expect(refused(splitWords(line))).toBe('');
  });

  it('are held against the program', () => {
    expect(refused(['corpus', 'run', '--no-such'])).toContain('unknown option');
  });
});

describe('the workflow for GitHub', () => {
  interface Workflow {
    jobs: Record<string, { steps: { run?: string }[] }>;
  }
  const text = readText('docs/ci-github.yml');
  const workflow = parse(text) as Workflow;
  const runs = Object.values(workflow.jobs)
    .flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []))
    .filter((run) => run.startsWith('npx fuse-rig '));

  it('runs commands that there are', () => {
    expect(runs).toHaveLength(2);
    for (const run of runs) {
      const filled = run.replaceAll(/\$\{\{.*?\}\}/g, '1/2');
      expect(refused(splitWords(filled).slice(2))).toBe('');
    }
  });
});
