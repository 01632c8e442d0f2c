/**
 * Where the model differs from the kernel and stays so: probe by probe, with the reason. A row whose
 * two sides agree is wrong, and said to be.
 */
export const EXPLAINED: Readonly<Record<string, string>> = {
  '1.2 poll':
    'what stands for an unbound device polls OUT instead of ERR: it must be able to come alive later',
  '4.1 DEFER_TASKRUN: nothing is delivered until the thread enters':
    'the seam fills an entry when its request comes, not when the thread next enters: a server that looks into memory it was not given yet sees that',
};
