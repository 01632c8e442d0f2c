/** case.yaml as it is written: by `corpus add` from nothing, by `corpus update` where it stands. */
import { type Document, Document as NewDocument } from 'yaml';
import { CASE_FORMAT, type CaseOptions, type Expectation } from './case.ts';

export interface NewCase {
  about: string;
  /** Where it is, if not in the folder by its usual name. */
  capture?: string;
  plan?: string;
  server: readonly string[];
  needs?: readonly string[];
  /** Only what is not as by default. */
  options?: Partial<CaseOptions>;
  expect: Expectation;
}

const WIDTH = 100;
const textOf = (document: Document): string =>
  document.toString({ lineWidth: WIDTH, singleQuote: true, flowCollectionPadding: false });

export function newCaseFile(written: NewCase): string {
  const { about, capture, plan, server, needs, options, expect } = written;
  const document = new NewDocument({
    format: CASE_FORMAT,
    about,
    ...(capture === undefined ? {} : { capture }),
    ...(plan === undefined ? {} : { plan }),
    server,
    ...(needs === undefined || needs.length === 0 ? {} : { needs }),
    ...(options === undefined || Object.keys(options).length === 0 ? {} : { options }),
    expect,
  });
  for (const key of ['server', 'needs']) {
    const node = document.get(key) as { flow?: boolean } | undefined;
    if (node !== undefined) node.flow = true;
  }
  return textOf(document);
}

/** The same document with another expectation; what a person wrote beside it stays. */
export function withExpectation(document: Document, expect: Expectation): string {
  for (const [key, value] of Object.entries(expect)) {
    if (key !== 'checks') document.setIn(['expect', key], value);
  }
  for (const [check, verdict] of Object.entries(expect.checks)) {
    document.setIn(['expect', 'checks', check], verdict);
  }
  return textOf(document);
}

/** What a newcomer reads first in the folder. */
export const readmeOf = (name: string, about: string): string =>
  `# ${name}\n\n${about}\n\n\`case.yaml\` says how it is run and what is expected; run it alone with\n\`fuse-rig corpus run --only ${name}\`.\n`;

/** A plan of rules, for the folder. */
export function planFile(seed: number, rules: readonly string[]): string {
  return new NewDocument({ seed, rules }).toString({ lineWidth: 0 });
}
