/**
 * A case: a folder with a capture, perhaps a plan of faults, and `case.yaml`, which says how to start
 * the server and what is expected of it. This file is `case.yaml` as a person writes it, checked key by
 * key; docs/corpus.md is the same in prose.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Document, isMap, LineCounter, parseDocument } from 'yaml';
import type { ReplayOptions } from '../../replayer/replay.ts';
import type { Finding } from '../checks/finding.ts';
import { EXIT } from '../engine/exit_codes.ts';
import { CPUS_MAX } from '../seam/cpus.ts';
import { CaseError } from './error.ts';

/** What is written. A case of a later format is refused, by name. */
export const CASE_FORMAT = 1;
export const CASE_FILE = 'case.yaml';
export const CAPTURE_FILE = 'capture.fusecap';

export type CaseOptions = Pick<ReplayOptions, 'end'> &
  Required<Pick<ReplayOptions, 'serial' | 'transport' | 'poison'>> &
  Pick<ReplayOptions, 'cpus' | 'sessions'> & { seed: number; uniqueBase?: number };

export interface Expectation {
  /** Exit code of the replay (rig/engine/exit_codes.ts). */
  exit: number;
  /** Verdict by check; checks that are not named may say what they will. */
  checks: Readonly<Record<string, Finding['verdict']>>;
  /** Hash of the canonical log, where nothing of another machine or version may change it. */
  log?: string;
}

export interface Case {
  /** The folder's name: what people call it. */
  name: string;
  /** The folder. */
  dir: string;
  about: string;
  /** Path of the capture. */
  capture: string;
  /** Path of the plan, if there is one. */
  plan?: string;
  /** With {server}, {fixture} and {mountpoint}. */
  server: readonly string[];
  /** Programs that must be there beside the server's own: names on PATH, or paths. */
  needs: readonly string[];
  options: CaseOptions;
  expect: Expectation;
}

type Guard = (value: unknown) => string | undefined;

const text: Guard = (v) => (typeof v === 'string' && v !== '' ? undefined : 'not a text');
const whole =
  (least: number, most: number): Guard =>
  (v) =>
    Number.isInteger(v) && (v as number) >= least && (v as number) <= most
      ? undefined
      : `not a whole number from ${least} to ${most}`;
const oneOf =
  (...words: (string | boolean)[]): Guard =>
  (v) =>
    words.includes(v as string) ? undefined : `not one of ${words.join(', ')}`;
const words: Guard = (v) =>
  Array.isArray(v) && v.every((word) => typeof word === 'string')
    ? undefined
    : 'not a list of words: write [program, argument, ...], numbers in quotes';
const exitCode: Guard = oneOf(...(Object.values(EXIT) as unknown as string[]));

/** Rows of a map; a row that ends in `!` must be there. */
type Rows = { readonly [key: string]: Guard | Rows };

const VERDICTS = oneOf('pass', 'fail', 'unknown');
const ROWS: Rows = {
  'format!': whole(1, CASE_FORMAT),
  'about!': text,
  capture: text,
  plan: text,
  'server!': words,
  needs: words,
  options: {
    seed: whole(0, Number.MAX_SAFE_INTEGER),
    end: oneOf('unmount', 'force', 'abort', 'device', 'sigterm', 'sigint', 'sigkill'),
    serial: oneOf(true, false),
    sessions: whole(1, 999_999),
    transport: oneOf('any', 'device'),
    cpus: whole(1, CPUS_MAX),
    uniqueBase: whole(0, Number.MAX_SAFE_INTEGER),
    poison: oneOf('off', 'used', 'full'),
  },
  'expect!': {
    'exit!': exitCode,
    checks: { '*': VERDICTS },
    log: (v) =>
      typeof v === 'string' && /^[0-9a-f]{12}$/.test(v)
        ? undefined
        : 'not 12 hexadecimal digits in quotes',
  },
};

const bare = (key: string): string => key.replace(/!$/, '');

/** The first thing wrong with `value`, as `key: what`, and the keys that lead there. */
function misfit(rows: Rows, value: unknown, path: string[]): [string[], string] | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [path, `not a map of ${Object.keys(rows).map(bare).join(', ')}`];
  }
  for (const key of Object.keys(rows)) {
    if (key.endsWith('!') && !Object.hasOwn(value, bare(key))) return [path, `lacks ${bare(key)}`];
  }
  for (const [key, at] of Object.entries(value)) {
    const row = rows[key] ?? rows[`${key}!`] ?? rows['*'];
    const here = [...path, key];
    if (row === undefined) {
      return [here, `no such key; there are ${Object.keys(rows).map(bare).join(', ')}`];
    }
    const inner = typeof row === 'function' ? row(at) : misfit(row, at, here);
    if (typeof inner === 'string') return [here, inner];
    if (inner !== undefined) return inner;
  }
  return undefined;
}

/** What case.yaml holds after its checks. */
interface Written {
  about: string;
  capture?: string;
  plan?: string;
  server: string[];
  needs?: string[];
  options?: Partial<CaseOptions>;
  expect: { exit: number; checks?: Expectation['checks']; log?: string };
}

const PLACEHOLDER = /\{[a-z]+\}/g;
const PLACEHOLDERS = ['{server}', '{fixture}', '{mountpoint}'];

function checkServer(name: string, server: readonly string[]): void {
  const used = server.flatMap((word) => word.match(PLACEHOLDER) ?? []);
  const unknown = used.find((word) => !PLACEHOLDERS.includes(word));
  if (unknown !== undefined) {
    throw new CaseError(
      name,
      `server: ${unknown} stands for nothing; ${PLACEHOLDERS.join(', ')} do`,
    );
  }
  if (used.includes('{mountpoint}')) return;
  throw new CaseError(
    name,
    `server: "${server.join(' ')}" has no {mountpoint}; write it where the server takes its mount point`,
  );
}

/** case.yaml as a document that can be changed and keeps its comments. */
export function parseCaseFile(name: string, yaml: string): Document {
  const lines = new LineCounter();
  const document = parseDocument(yaml, { lineCounter: lines });
  const at = (offset: number) => `${CASE_FILE} line ${lines.linePos(offset).line}`;
  const broken = document.errors[0];
  if (broken !== undefined) {
    const why = broken.message.split('\n')[0]?.replace(/ at line.*$/, '') ?? '';
    throw new CaseError(name, `${at(broken.pos[0])} is not YAML: ${why}`);
  }
  const value: unknown = document.toJS();
  const format = (value as { format?: unknown } | null)?.format;
  if (typeof format === 'number' && format > CASE_FORMAT) {
    throw new CaseError(
      name,
      `written for a newer fuse-rig (case format ${format}; this one reads ${CASE_FORMAT}): use that version`,
    );
  }
  const wrong = misfit(ROWS, value, []);
  if (wrong !== undefined) {
    const [path, what] = wrong;
    // A node that is missing is looked for where its map begins.
    const node = path.length === 0 ? document.contents : document.getIn(path, true);
    const offset = (node as { range?: [number] } | null)?.range?.[0] ?? 0;
    const key = path.length === 0 ? '' : `${path.join('.')}: `;
    throw new CaseError(name, `${at(offset)}: ${key}${what}`);
  }
  if (!isMap(document.contents)) throw new CaseError(name, `${CASE_FILE} is not a map`);
  return document;
}

/** The case in `dir`, from the text of its case.yaml. Throws CaseError. */
export function caseOf(name: string, dir: string, yaml: string): Case {
  const written = parseCaseFile(name, yaml).toJS() as Written;
  checkServer(name, written.server);
  const there = (what: string, file: string): string => {
    const path = join(dir, file);
    if (existsSync(path)) return path;
    throw new CaseError(name, `its ${what} ${file} is missing; put it back, or remove the case`);
  };
  return {
    name,
    dir,
    about: written.about.trim(),
    capture: there('capture', written.capture ?? CAPTURE_FILE),
    ...(written.plan === undefined ? {} : { plan: there('plan', written.plan) }),
    server: written.server,
    needs: written.needs ?? [],
    options: {
      seed: 1,
      end: 'unmount',
      serial: false,
      transport: 'any',
      poison: 'used',
      ...written.options,
    },
    expect: { ...written.expect, checks: written.expect.checks ?? {} },
  };
}
