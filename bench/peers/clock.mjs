/** One clock for all processes of a run, microseconds: CLOCK_MONOTONIC, which the Go programs read by clock_gettime. */
export const nowUs = () => Number(process.hrtime.bigint() / 1_000n)
