import { AsyncLocalStorage } from 'node:async_hooks'

// A promise that nobody awaits, a timer or a listener that throws: such an error reaches the process and names no job.
// What foreign code began is known all the same, because everything that it starts carries its run along.

/** What foreign code runs for: one job or batch, or several that run in one call. */
export interface ForeignRun {
  /** For the log, each as its members. */
  readonly of: readonly Record<string, unknown>[]
  /** It runs in a process of its own: what is thrown for it in this one ends nothing else. */
  readonly isElsewhere?: true
  /** An error that nobody caught: it fails what still runs, and is nothing to what has ended. */
  fail(thrown: unknown): void
  /**
   * An error that ends the process: what still runs is to blame for it.
   * @returns false when nothing does any more: what a run left behind, such as a connection, others may have used
   */
  crash(thrown: unknown): boolean
}

const runs = new AsyncLocalStorage<ForeignRun>()

/** Calls something for a run; whatever it starts, however late, is the run's. */
export const runFor = <T>(run: ForeignRun, call: () => T): T => runs.run(run, call)

/** Whose code this is; null: nobody's, so our own, or that of a module while it was loaded. */
export const currentRun = (): ForeignRun | null => runs.getStore() ?? null

/** Of those that run in one call nobody can say which it was. */
export const joinRuns = (joined: readonly ForeignRun[]): ForeignRun => ({
  of: joined.flatMap((run) => run.of),
  fail: (thrown) => {
    for (const run of joined) run.fail(thrown)
  },
  crash: (thrown) => joined.map((run) => run.crash(thrown)).includes(true),
})
