/** The folder of cases that the environment names, in one line. */
import { describe } from 'vitest';
import { asExpected, casesIn } from '../../index.ts';

describe.each(casesIn(process.env.SAMPLE_CASES ?? ''))('%s', asExpected);
