/**
 * The house rules that a machine can check. A rule that fails names the place and what to write
 * instead. Exceptions stand here, with a number that may only shrink.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  blanked,
  filesBelow,
  importsOf,
  isTest,
  places,
  ROOT,
  readText,
  sources,
} from './testing/sources.ts';

const ALL = sources();
const ENGINE = ALL.filter(({ path }) => /\.(ts|mjs)$/.test(path) && !isTest(path));
const CODE = ALL.filter(({ path }) => /\.(ts|mjs)$/.test(path));

const TOP = ['rig', 'recorder', 'replayer', 'faults', 'native', 'corpus', 'docs'];
const BELOW = ['rig/kernel/', 'rig/protocol/', 'rig/events.ts', 'native/'];
const FAULTS = ['rig/decider.ts', 'rig/injection.ts'];
/**
 * Who may import whom. The longest entry that a path starts with is its area; an area may always
 * import itself. Only rig/cli sees everything, and nothing but rig/cli imports it.
 */
const MAY_IMPORT: Record<string, readonly string[]> = {
  'rig/protocol/': [],
  'rig/events.ts': ['rig/ring_events.ts', 'rig/fault_events.ts', 'rig/replay_events.ts'],
  'rig/ring_events.ts': [],
  'rig/fault_events.ts': [],
  'rig/replay_events.ts': ['rig/events.ts', 'rig/ring_events.ts', 'rig/fault_events.ts'],
  'rig/decider.ts': ['rig/fault_events.ts'],
  'rig/injection.ts': ['rig/decider.ts', 'rig/events.ts', 'rig/protocol/'],
  'rig/version.ts': [],
  'rig/kernel/': ['rig/protocol/'],
  'rig/checks/': ['rig/events.ts', 'rig/protocol/'],
  'rig/seam/': [...BELOW, ...FAULTS],
  'rig/session.ts': ['rig/seam/', ...BELOW, ...FAULTS],
  'rig/doctor/': ['rig/protocol/', 'rig/version.ts', 'native/'],
  'rig/engine/': ['recorder/', 'replayer/', 'rig/checks/', 'rig/live/', 'faults/'],
  'rig/live/': ['rig/', 'recorder/', 'replayer/', 'faults/', 'native/'],
  'rig/cases/': ['rig/', 'replayer/', 'faults/', 'native/'],
  'rig/explore/': ['rig/', 'replayer/', 'faults/'],
  'rig/redact/': ['rig/protocol/', 'rig/events.ts', 'rig/report/exchanges.ts', 'recorder/'],
  // What a view shows comes from everywhere, but never from the command line.
  'rig/report/': ['rig/', 'recorder/', 'replayer/', 'faults/'],
  'rig/vitest/': ['rig/', 'replayer/', 'faults/', 'native/'],
  'rig/bench/': ['rig/', 'faults/', 'recorder/', 'replayer/', 'corpus/', 'native/'],
  'native/': [],
  'recorder/capture/': ['rig/protocol/', 'rig/events.ts', 'native/'],
  'recorder/fixture/': ['rig/protocol/', 'native/'],
  'recorder/': [
    ...BELOW,
    'rig/seam/',
    'rig/session.ts',
    'rig/interrupt_error.ts',
    'rig/decider.ts',
    'rig/version.ts',
  ],
  'replayer/': [
    'rig/protocol/',
    'rig/kernel/',
    'rig/seam/',
    'rig/session.ts',
    'rig/interrupt_error.ts',
    'rig/events.ts',
    ...FAULTS,
    'rig/checks/',
    'recorder/capture/',
    'recorder/fixture/',
    // A replay that keeps itself begins its capture as a recording does.
    'recorder/host.ts',
    'native/',
  ],
  'faults/': ['rig/protocol/', 'rig/events.ts', 'rig/decider.ts'],
};

/** Where each package of others may be imported. */
const PACKAGES: Record<string, RegExp> = {
  msgpackr: /^recorder\/capture\//,
  yaml: /^rig\/cases\/|^faults\/plan\.ts$/,
  commander: /^rig\/cli\//,
  // Processes are launched here and nowhere else.
  execa:
    /^(rig\/seam\/(starter|scratch)|rig\/engine\/workload|rig\/explore\/workers|recorder\/fusermount|rig\/doctor\/launching)\.ts$|^native\/build\.mjs$|^corpus\//,
  vitest: /^rig\/vitest\//,
  'fast-check': /^(faults\/(explore|arbitraries|fast_check)|corpus\/fidelity\/random\/)/,
};

/** Calls with one home; [pattern, home, what to write instead]. */
const BANNED: readonly (readonly [RegExp, RegExp, string])[] = [
  [/\bMath\.random\b/g, /^$/, 'a generator with a printed seed'],
  [/\bDate\.now\b|\bnew Date\(/g, /^recorder\/host\.ts$/, 'Session.now()'],
  [/\bperformance\.now\b/g, /^$/, 'Session.now()'],
  // The corpus drives real mounts, which have no step to wait for.
  [/\bset(Timeout|Interval)\b/g, /^corpus\//, 'the timeout of NativeSeam.wait'],
  [/\bconsole\.\w+/g, /^native\/build\.mjs$/, 'process.stdout or process.stderr, in rig/cli'],
  [/\bchild_process\b/g, /^$/, 'execa'],
];

const LINES_MAX = 250;
const TEST_LINES_MAX = 300;
/** Longer files, and how long they may be at most. Take out what has shrunk; put in nothing. */
const LONGER: Record<string, number> = {
  'native/addon/seam_answer.cc': 300,
  // One table: every structure of the protocol.
  'native/common/fuse_structs.h': 450,
  'native/servers/options.cc': 280,
  'recorder/relay.ts': 330,
  'replayer/cursor.ts': 480,
  'rig/seam/device_port.ts': 430,
};

const fail = (found: string[], remedy: string): void =>
  expect(found, `${found.join('\n')}\n-> ${remedy}\n`).toEqual([]);

describe('imports', () => {
  const areaOf = (path: string): string | undefined =>
    Object.keys(MAY_IMPORT)
      .filter((area) => path.startsWith(area))
      .sort((a, b) => b.length - a.length)[0];

  it('keep to their area', () => {
    const found = ENGINE.flatMap((source) => {
      const area = areaOf(source.path);
      if (area === undefined) return [];
      const allowed = [area, ...(MAY_IMPORT[area] ?? [])];
      return importsOf(source)
        .filter((name) => TOP.includes(name.split('/')[0] ?? ''))
        .filter((name) => !allowed.some((prefix) => name.startsWith(prefix)))
        .map((name) => `${source.path} imports ${name}`);
    });
    fail(found, 'move what is shared down, or hand it in from rig/cli (MAY_IMPORT)');
  });

  it('never reach into the command line', () => {
    const found = ENGINE.filter(({ path }) => !path.startsWith('rig/cli/')).flatMap((source) =>
      importsOf(source)
        .filter((name) => name.startsWith('rig/cli/'))
        .map((name) => `${source.path} imports ${name}`),
    );
    fail(found, 'nothing imports rig/cli');
  });

  it('name packages only where these belong', () => {
    const found = ENGINE.flatMap((source) =>
      importsOf(source)
        .filter((name) => !name.startsWith('node:') && !/\.(ts|mjs)$/.test(name))
        .filter((name) => PACKAGES[name]?.test(source.path) !== true)
        .map((name) => `${source.path} imports ${name}`),
    );
    fail(found, 'see PACKAGES for the home of each');
  });

  it('load the addon in native/load.ts only', () => {
    const found = CODE.filter(({ path }) => !/^native\/(load\.ts|build\.mjs)$/.test(path)).flatMap(
      ({ path, code }) => places(path, code, /\bcreateRequire\b/g),
    );
    fail(found, "import { native } from '…/native/load.ts'");
  });
});

describe('code', () => {
  it.each(BANNED.map(([pattern, home, instead]) => ({ pattern, home, instead })))(
    'does without $pattern',
    ({ pattern, home, instead }) => {
      const found = ENGINE.filter(({ path }) => !home.test(path)).flatMap((source) =>
        // Names of modules stand in strings.
        places(source.path, /child/.test(pattern.source) ? source.text : source.code, pattern),
      );
      fail(found, `write ${instead}`);
    },
  );

  it('has no chance in its tests either', () => {
    const found = CODE.flatMap(({ path, code }) => places(path, code, /\bMath\.random\b/g));
    fail(found, 'take the seed from FUSE_RIG_SEED or a constant');
  });

  it('skips a test only with a reason that the end of the run can show', () => {
    const pattern = /\b(it|test|describe|suite)(\.\w+)*\.(skip|skipIf|runIf|only)\b/g;
    const found = CODE.flatMap(({ path, code }) => places(path, code, pattern));
    fail(found, "write context.skip(condition, 'reason') in the test");
  });

  it('opens every file with what it is for', () => {
    // A test beside its subject is for that subject.
    const silent = ALL.filter(({ path }) => !path.endsWith('.test.ts')).filter(
      ({ text }) => !/^(#!.*\n)?(\/\*\*|\/\/)/.test(text),
    );
    const headers = new Set(ALL.filter(({ path }) => path.endsWith('.h')).map(({ path }) => path));
    // What a .cc is for may stand in its header.
    const found = silent.filter(({ path }) => !headers.has(path.replace(/\.cc$/, '.h')));
    fail(
      found.map(({ path }) => path),
      'begin with a comment that says what the file is for',
    );
  });

  it('keeps files short', () => {
    const long = ALL.map(({ path, text }) => ({
      path,
      lines: text.split('\n').length - 1,
      most: isTest(path) ? TEST_LINES_MAX : LINES_MAX,
    })).filter(({ lines, most }) => lines > most);
    for (const { path, lines } of long) {
      process.stderr.write(`long file: ${path}, ${lines} lines\n`);
    }
    fail(
      long
        .filter(({ path, lines, most }) => lines > (LONGER[path] ?? most))
        .map(({ path, lines, most }) => `${path}: ${lines} lines, ${LONGER[path] ?? most} allowed`),
      'split it by what it is about',
    );
    const shrunk = Object.keys(LONGER).filter((path) => !long.some((l) => l.path === path));
    fail(shrunk, 'not longer than others any more: take it out of LONGER');
  });
});

describe('names', () => {
  it('has the top-level folders it is meant to have', () => {
    const nested = filesBelow('').filter((path) => path.includes('/'));
    const folders = new Set(nested.map((path) => path.split('/')[0] ?? ''));
    const found = [...folders].filter((name) => !TOP.includes(name) && name !== '.ci');
    fail(found, `every folder is one of ${TOP.join(' ')}`);
  });

  it('avoids words that mean nothing here', () => {
    const word =
      /(^|[-_./])(trace|dump|recording|handler|manager|utils?|helpers?|mocks?)([-_.]|$)/i;
    const found = ALL.map(({ path }) => path).filter((path) => word.test(path));
    fail(found, 'one word for one thing: capture, replay, check, event, fault ...');
  });

  it('names no path of the machine it was written on', () => {
    const homes = ['work', 'root', 'farm', 'home/[a-z]+'].join('|');
    const pattern = new RegExp(`(?<![\\w.}*])/(${homes})/[\\w.]+`, 'g');
    const texts = filesBelow('').filter(
      (path) => SOURCE_OR_TEXT.test(path) && path !== 'package-lock.json',
    );
    const found = texts.flatMap((path) => places(path, readText(path), pattern));
    fail(found, 'write paths from the top of the project, or make one with mkdtemp');
  });
});

const SOURCE_OR_TEXT = /\.(ts|mjs|cc|h|c|md|json|yml|yaml|sh)$|^\.ci\/|Makefile$/;

describe('documents', () => {
  const documents = filesBelow('').filter((path) =>
    /^(docs\/.*|README|ARCHITECTURE|recorder\/FORMAT|corpus\/.*)\.md$/.test(path),
  );
  const isPath = (word: string): boolean =>
    (TOP.includes(word.split('/')[0] ?? '') && /^[\w./-]+$/.test(word) && word.includes('/')) ||
    /^(\.ci\/\w+|[A-Z]+\.md|package\.json|[a-z.]+\.(config\.ts|json))$/.test(word);

  it('are there', () => {
    expect(documents).toEqual(
      expect.arrayContaining([
        'README.md',
        'ARCHITECTURE.md',
        'recorder/FORMAT.md',
        'docs/README.md',
      ]),
    );
  });

  it('name only paths that exist', () => {
    const found = documents.flatMap((path) => {
      const text = readText(path);
      const named = [...text.matchAll(/`([^`\n]+)`/g)].map(([, word = '']) => word).filter(isPath);
      const linked = [...text.matchAll(/\]\(([^)#:\s]+)(#[^)]*)?\)/g)].map(([, to = '']) =>
        join(dirname(path), to),
      );
      return [...named, ...linked]
        .filter((word) => !existsSync(join(ROOT, word)))
        .map((word) => `${path} names ${word}`);
    });
    fail(found, 'a document names a file that is not there');
  });
});

describe('the rules themselves', () => {
  it('see through comments and strings', () => {
    const text = "a(); // Date.now\n/* Math.random */ 'Date.now' `x\nDate.now`; Date.now();\n";
    expect(places('f', blanked(text), /Date\.now|Math\.random/g)).toEqual(['f:3  Date.now']);
  });

  it('read imports of every kind', () => {
    const text =
      "import a from 'node:fs';\nimport {\n  b,\n} from '../x.ts';\nexport * from './y.ts';\nawait import('./z.ts');\nimport './w.ts';\n";
    const ours = ['x.ts', 'cli/y.ts', 'cli/z.ts', 'cli/w.ts'].map((name) => `rig/${name}`);
    expect(importsOf({ path: 'rig/cli/f.ts', text, code: text })).toEqual(['node:fs', ...ours]);
  });
});
