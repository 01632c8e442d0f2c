/**
 * What a request may hold: the limit of the host, below what the server asks for. READs of the capture
 * that are longer are asked as they are.
 */
import type { ChangeFault } from './fault.ts';

export const maxPages: ChangeFault = {
  kind: 'change',
  name: 'max-pages',
  does: 'requests have at most so many pages',
  transports: ['device', 'ring'],
  moment: 'offer',
  fate: 'whole',
  numbers: { least: 32, most: 65_535, possible: 'process_init_reply(): fc->max_pages_limit' },
};
