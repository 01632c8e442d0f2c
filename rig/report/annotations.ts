/**
 * Cases that failed, as GitHub Actions shows them beside the change: workflow commands, which the runner
 * reads from what a step prints.
 */
import type { CaseResult } from '../cases/run_case.ts';
import { detailLines, titleOf } from './corpus.ts';

const data = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

/** One line, or nothing for a case that passed. */
export function annotation(result: CaseResult): string | undefined {
  if (result.status === 'pass') return undefined;
  const kind = result.status === 'skipped' ? 'notice' : 'error';
  const file = property(`${result.dir}/case.yaml`);
  const title = property(`fuse-rig ${result.status}: ${titleOf(result)}`);
  return `::${kind} file=${file},title=${title}::${data(detailLines(result).join('\n'))}`;
}
