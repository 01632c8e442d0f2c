/**
 * A run of cases as JUnit XML, as CI systems show it: one test case a capture and plan, the
 * reproducing command in its system-out. Elements and attributes are those that the schema of Jenkins'
 * xUnit plugin and GitLab's parser have in common.
 */
import type { EndRun, RunEvent } from '../cases/run.ts';
import type { CaseResult } from '../cases/run_case.ts';
import { detailLines, harmless, titleOf } from './corpus.ts';

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Text as XML 1.0 has it: no lone surrogates and nothing else that is not a Char. */
const xml = (text: string): string =>
  harmless(text)
    .replaceAll(/\p{Surrogate}|[\ufffe\uffff]/gu, '\ufffd')
    .replaceAll(/[&<>"']/g, (c) => ENTITIES[c] as string);

/** A line break in an attribute is read back as a blank. */
const attribute = (name: string, value: string | number): string =>
  ` ${name}="${xml(String(value)).replaceAll('\n', '&#10;').replaceAll('\t', '&#9;')}"`;

function outcome(result: CaseResult): string[] {
  const first = attribute('message', result.reasons[0] ?? result.status);
  const text = xml(detailLines(result).join('\n'));
  switch (result.status) {
    case 'pass':
      return [];
    case 'skipped':
      return [`      <skipped${attribute('message', result.reasons.join('; '))}/>`];
    case 'fail':
      return [`      <failure${first}${attribute('type', 'finding')}>${text}</failure>`];
    default:
      return [`      <error${first}${attribute('type', result.status)}>${text}</error>`];
  }
}

function testCase(result: CaseResult): string[] {
  const { replay, about, reproduce } = result;
  const out = [
    ...(about === '' ? [] : [about]),
    ...(replay === undefined ? [] : [`${replay.requests} requests, log ${replay.log}`]),
    ...(reproduce === '' ? [] : [`reproduce   ${reproduce}`]),
  ];
  const head = [
    attribute('classname', 'fuse-rig.corpus'),
    attribute('name', titleOf(result)),
    attribute('file', `${result.dir}/case.yaml`),
    attribute('time', (replay?.seconds ?? 0).toFixed(3)),
  ].join('');
  return [
    `    <testcase${head}>`,
    ...outcome(result),
    ...(out.length === 0 ? [] : [`      <system-out>${xml(out.join('\n'))}</system-out>`]),
    '    </testcase>',
  ];
}

const countsOf = (results: readonly CaseResult[], end: EndRun): string => {
  const { fail, skipped, unusable, stopped } = end.counts;
  return [
    attribute('tests', results.length),
    attribute('failures', fail),
    attribute('errors', unusable + Math.min(stopped, results.filter(isStopped).length)),
    attribute('skipped', skipped),
    attribute('time', end.seconds.toFixed(3)),
  ].join('');
};

const isStopped = ({ status }: CaseResult): boolean => status === 'stopped';

/** The document, from all events of a run. */
export function junitXml(events: readonly RunEvent[]): string {
  const results = events.filter((event) => event.kind === 'case');
  const end = events.find((event) => event.kind === 'end') as EndRun;
  const begin = events.find((event) => event.kind === 'begin');
  const counts = countsOf(results, end);
  const shard = begin?.shard === undefined ? '' : ` ${begin.shard.index}/${begin.shard.count}`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attribute('name', 'fuse-rig')}${counts}>`,
    `  <testsuite${attribute('name', `fuse-rig corpus${shard}`)}${counts}>`,
    ...results.flatMap(testCase),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}
