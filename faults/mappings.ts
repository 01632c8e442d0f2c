/**
 * Mappings of each process of the server, counted where it makes them: vm.max_map_count is all processes'. A
 * mapping that the kernel would join with its neighbour counts too, as it does there.
 */
import { MAKES_MAPPINGS } from './calls.ts';
import type { QuotaFault } from './fault.ts';

export const mappings: QuotaFault = {
  kind: 'quota',
  name: 'mappings',
  does: 'each process may have so many mappings more, then ENOMEM',
  counts: 'mappings',
  transports: ['device', 'ring'],
  possible: 'do_mmap(): vm.max_map_count',
  fate: 'may-die',
  calls: MAKES_MAPPINGS,
};
