import { parentPort, workerData } from 'node:worker_threads'
import { connectBroker } from '#shared/bus/connection.ts'
import { answerHolds, renewDelivery } from '#shared/bus/worker-holds.ts'
import { createLogger } from '#shared/process/logger.ts'
import { systemClock } from '#shared/time/clock.ts'
import { HeldTable, processClockMs } from './held-table.ts'
import type { LeaseMessage, LeaseThreadMessage, LeaseThreadOptions } from './thread-options.ts'
import { WorkerWatch } from './watch-workers.ts'

// A thread with a connection of its own: a handler that blocks the main loop keeps its lease all the same. The thread
// 1. renews every held delivery until its deadline, 2. answers "do you still run this job?",
// 3. ends the process when a deadline passed and the main loop no longer beats,
// 4. tells the other workers what is held here, and hands back what a dead one held.

/** Time past the job's deadline for which a lease is kept, so that the main loop can end the job cleanly. */
const AFTER_DEADLINE_MS = 2_000
const CHECK_MS = 500
/** Checks without a beat before the main loop counts as stuck; a process that has just been resumed beats in time. */
const STUCK_CHECKS = 4

const options = workerData as LeaseThreadOptions
const beat = new Int32Array(options.beat)
const table = new HeldTable(options.slots, options.held)

const log = createLogger(options.logger)
const broker = await connectBroker({
  url: options.natsUrl,
  name: `${options.workerId}-lease`,
  user: options.natsUser,
  password: options.natsPassword,
  clock: systemClock,
  log,
})

/** Whether a lease has run out. The job is held all the same, because its outcome may wait for a broker that is away. */
const isOver = (deadlineMs: number): boolean => processClockMs() >= deadlineMs + AFTER_DEADLINE_MS

setInterval(() => {
  if (!broker.isUp()) return
  for (const { ackSubject, deadlineMs } of table.held()) if (!isOver(deadlineMs)) renewDelivery(broker, ackSubject)
}, options.renewEveryMs)

let lastBeat = -1
let stuckChecks = 0
setInterval(() => {
  const current = Atomics.load(beat, 0)
  stuckChecks = current === lastBeat ? stuckChecks + 1 : 0
  lastBeat = current
  if (stuckChecks < STUCK_CHECKS) return
  for (const { jobId, deadlineMs } of table.held()) {
    if (!isOver(deadlineMs)) continue
    log.fatal({ job_id: jobId }, 'a handler blocks this process past its deadline: ending it')
    process.kill(process.pid, 'SIGKILL')
  }
}, CHECK_MS)

function isHeld(jobId: string): boolean {
  for (const job of table.held()) if (job.jobId === jobId) return true
  return false
}

function* heldSubjects(): Generator<string, void, undefined> {
  for (const { ackSubject } of table.held()) yield ackSubject
}

const tell = (message: LeaseThreadMessage) => parentPort?.postMessage(message)

const watch = new WorkerWatch({
  broker,
  workerId: options.workerId,
  clock: systemClock,
  log,
  held: heldSubjects,
  onMissing: (jobs) => tell({ kind: 'missing', jobs }),
  onCompany: (isThere) => tell({ kind: 'company', isThere }),
})
await answerHolds(broker, options.workerId, isHeld)
watch.start()
parentPort?.on('message', async (message: LeaseMessage) => {
  if (message.kind === 'log-level') {
    log.level = message.level
    return
  }
  await watch.stop().catch(() => undefined)
  process.exit()
})
tell({ kind: 'ready' })
