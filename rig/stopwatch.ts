/** Starts to measure. Returns what gives the seconds since, as often as it is asked. */
export function stopwatch(): () => number {
  const from = process.hrtime.bigint();
  return () => Number(process.hrtime.bigint() - from) / 1e9;
}
