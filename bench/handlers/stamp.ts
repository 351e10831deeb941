/** Returns its start time, in milliseconds with fractions, for the pick-up latency. */
export const handler = {
  type: 'stamp',
  run: () => ({ started_at_ms: performance.timeOrigin + performance.now() }),
}
