import type { Broker } from '#shared/bus/connection.ts'
import { errorForLog } from '#shared/errors/foreign.ts'
import type { Logger } from '#shared/process/logger.ts'
import type { ForeignErrors } from '#shared/service/run-service.ts'
import { sleep } from '#shared/time/clock.ts'
import type { JobMetrics } from './metrics.ts'
import type { PullLoop } from './pull/pull-loop.ts'

export interface ForeignErrorsDeps {
  loop: PullLoop
  broker: Broker
  metrics: Pick<JobMetrics, 'unhandledRejections'>
  log: Logger
}

/** How long the process, whose state is unknown, takes to hand back its jobs before it ends. */
const HAND_BACK_MS = 3_000

/**
 * Handles errors that nobody caught: handlers start promises that they do not await, timers and listeners. A rejected
 * promise fails its own job, if that still runs, and nothing else. A thrown error ends the process, and only its job is
 * blamed: the jobs beside it are handed back as in a drain. If its job has ended, the code may as well belong to
 * another job that used something left behind, such as a connection: all are handed back, and run isolated next. If
 * nobody can tell whose code it was, all jobs that run here count it as a crash.
 */
export const foreignErrors = ({ loop, broker, metrics, log }: ForeignErrorsDeps): ForeignErrors => ({
  onRejection(run, thrown) {
    const of = run?.of ?? []
    log.error({ err: errorForLog(thrown), of }, 'unhandled rejection of a promise that nobody awaited')
    for (const type of of.length === 0 ? [''] : new Set(of.map((about) => String(about['type'])))) {
      metrics.unhandledRejections.inc({ type })
    }
    run?.fail(thrown)
  },
  async onException(run, thrown) {
    if (run === null) return
    const isBlamed = run.crash(thrown)
    void loop.stop()
    // Jobs that are to blame were told first: for them this only waits until their outcome is stored.
    const handedBack = Promise.all([...loop.held.values()].map((hold) => hold.handBack(!isBlamed)))
    const isSent = handedBack.then(() => {
      // A job that is handed back waits in the outbox for the end of this turn.
      broker.outbox.flush()
      return broker.flush()
    })
    await Promise.race([isSent, sleep(HAND_BACK_MS)])
  },
})
