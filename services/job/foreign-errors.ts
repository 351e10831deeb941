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

/** The process is in a state that nobody knows: it hands back what it holds, and ends. */
const HAND_BACK_MS = 3_000

/**
 * Handlers start promises that they do not await, timers and listeners. A rejected promise fails its own job, if that
 * still runs, and nothing else. Something thrown ends the process, and its job alone is blamed: the jobs beside it are
 * handed back as in a drain. Where its job has ended, it may as well be the code of another that used what that one left
 * behind, such as a connection: all are handed back, and run isolated next. Where nobody can tell whose code it was, all
 * that run here count it as a crash.
 */
export const foreignErrors = ({ loop, broker, metrics, log }: ForeignErrorsDeps): ForeignErrors => ({
  onRejection(run, thrown) {
    const of = run?.of ?? []
    log.error({ err: errorForLog(thrown), of }, 'a promise was rejected that nobody awaited')
    for (const type of of.length === 0 ? [''] : new Set(of.map((about) => String(about['type'])))) {
      metrics.unhandledRejections.inc({ type })
    }
    run?.fail(thrown)
  },
  async onException(run, thrown) {
    if (run === null) return
    const isBlamed = run.crash(thrown)
    void loop.stop()
    // Those that are to blame were told so first: for them this only waits until it is stored.
    const handedBack = Promise.all([...loop.held.values()].map((hold) => hold.handBack(!isBlamed)))
    const isSent = handedBack.then(() => {
      // What hands a job back waits there for the end of this turn.
      broker.outbox.flush()
      return broker.flush()
    })
    await Promise.race([isSent, sleep(HAND_BACK_MS)])
  },
})
