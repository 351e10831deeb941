import { AsyncLocalStorage } from 'node:async_hooks'

// A promise that nobody awaits, a timer or a listener may throw: such an error reaches the process and names no job.
// Everything that foreign code starts carries its run along, so the job is known all the same.

/** The work that foreign code runs for: one job or batch, or several that run in one call. */
export interface ForeignRun {
  /** Members for the log, one record for each job or batch. */
  readonly of: readonly Record<string, unknown>[]
  /** Set when the code runs in another process: its errors end nothing else in this one. */
  readonly isElsewhere?: true
  /** Receives an error that nobody caught: fails the jobs that still run and ignores those that have ended. */
  fail(thrown: unknown): void
  /**
   * Receives an error that ends the process: the jobs that still run are to blame for it.
   * @returns false when none runs any more: something that a run left behind, such as a connection, may be in use by
   * others
   */
  crash(thrown: unknown): boolean
}

const runs = new AsyncLocalStorage<ForeignRun | undefined>()

/** Calls a function for a run; everything that it starts, however late, belongs to the run. */
export const runFor = <T>(run: ForeignRun, call: () => T): T => runs.run(run, call)

/** Calls a function of ours for foreign code that waits for it: what it starts, such as a loop, belongs to no run. */
export const runForNobody = <T>(call: () => T): T => runs.run(undefined, call)

/** The run whose code this is; null: no run's, so our own code, or a module's while it is loaded. */
export const currentRun = (): ForeignRun | null => runs.getStore() ?? null

/** One run for several that share a call: nobody can say which of them failed. */
export const joinRuns = (joined: readonly ForeignRun[]): ForeignRun => ({
  of: joined.flatMap((run) => run.of),
  fail: (thrown) => {
    for (const run of joined) run.fail(thrown)
  },
  crash: (thrown) => joined.map((run) => run.crash(thrown)).includes(true),
})
