import { parentPort, workerData } from 'node:worker_threads'
import { connectBroker } from '#shared/bus/connection.ts'
import { answerHolds, renewDelivery } from '#shared/bus/worker-holds.ts'
import { createLogger } from '#shared/process/logger.ts'
import { systemClock } from '#shared/time/clock.ts'
import type { LeaseThreadOptions, LeaseUpdate } from './messages.ts'

// A thread with a connection of its own: a handler that blocks the main loop keeps its lease all the same. The thread
// 1. renews every held delivery until its deadline, 2. answers "do you still run this job?",
// 3. ends the process when a deadline passed and the main loop no longer beats.

interface Held {
  jobId: string
  deadlineMs: number
  /**
   * False once the deadline has passed: the worker still answers that it holds the job, but no longer renews the lease.
   */
  isRenewed: boolean
}

/** Time past the job's deadline for which a lease is kept, so that the main loop can end the job cleanly. */
const AFTER_DEADLINE_MS = 2_000
const CHECK_MS = 500
/** Checks without a beat before the main loop counts as stuck; a process that has just been resumed beats in time. */
const STUCK_CHECKS = 4

const options = workerData as LeaseThreadOptions
const beat = new Int32Array(options.beat)
const held = new Map<string, Held>()
const holding = new Map<string, number>()

const log = createLogger(options.logger)
const broker = await connectBroker({
  url: options.natsUrl,
  name: `${options.workerId}-lease`,
  user: options.natsUser,
  password: options.natsPassword,
  clock: systemClock,
  log,
})

function hold(entry: LeaseUpdate['hold'][number]): void {
  if (!held.has(entry.ackSubject)) holding.set(entry.jobId, (holding.get(entry.jobId) ?? 0) + 1)
  held.set(entry.ackSubject, { jobId: entry.jobId, deadlineMs: systemClock.monotonic() + entry.forMs, isRenewed: true })
}

function release(ackSubject: string): void {
  const entry = held.get(ackSubject)
  if (entry === undefined) return
  held.delete(ackSubject)
  const left = (holding.get(entry.jobId) ?? 1) - 1
  if (left === 0) holding.delete(entry.jobId)
  else holding.set(entry.jobId, left)
}

parentPort?.on('message', (update: LeaseUpdate) => {
  for (const entry of update.hold) hold(entry)
  for (const ackSubject of update.release) release(ackSubject)
})

setInterval(() => {
  if (!broker.isUp()) return
  for (const [ackSubject, { isRenewed }] of held) if (isRenewed) renewDelivery(broker, ackSubject)
}, options.renewEveryMs)

let lastBeat = -1
let stuckChecks = 0
setInterval(() => {
  const now = systemClock.monotonic()
  const current = Atomics.load(beat, 0)
  stuckChecks = current === lastBeat ? stuckChecks + 1 : 0
  lastBeat = current
  for (const entry of held.values()) {
    if (now < entry.deadlineMs + AFTER_DEADLINE_MS) continue
    if (stuckChecks >= STUCK_CHECKS) {
      log.fatal({ job_id: entry.jobId }, 'a handler blocks this process past its deadline: ending it')
      process.kill(process.pid, 'SIGKILL')
    }
    // The job's outcome may wait for a broker that is away: until the main thread lets go, the answer is that the job
    // is held.
    entry.isRenewed = false
  }
}, CHECK_MS)

await answerHolds(broker, options.workerId, (jobId) => holding.has(jobId))
parentPort?.postMessage('ready')
