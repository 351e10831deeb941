import { hashOf, type LeaseToken, writeLease } from '#shared/accept/lease.ts'
import { ackPlaceOf } from '#shared/bus/ack-place.ts'
import type { EventBody } from '#shared/bus/job-history.ts'
import type { LentJob } from '#shared/contracts/http/work.ts'
import type { JobEvent, Lent } from '#shared/contracts/log/events.ts'
import { isoTime } from '#shared/time/clock.ts'
import type { JobRun } from '../run/job-run.ts'
import type { StartedAttempt } from '../run/start-attempt.ts'
import type { LendDeps } from './lend-deps.ts'

/** A worker's report, as it is stored. */
export interface Report {
  percent: number
  message: string | null
  data: unknown
}

/** What the log knows of a lease. */
export interface Lease {
  untilMs: number
  deadlineMs: number
  hash: string
}

/** The lease as events have it. */
export const lentMember = ({ untilMs, deadlineMs, hash }: Lease): Lent => ({
  lease_until: isoTime(untilMs),
  deadline_at: isoTime(deadlineMs),
  lease_hash: hash,
})

/** One attempt that an HTTP worker runs, as this process sees it; the log may know more. */
export class LentAttempt {
  readonly run: JobRun
  readonly attempt: StartedAttempt
  readonly workerId: string
  readonly startedMs: number
  lease: Lease
  /** The last report, which every later event repeats. */
  report: Report | null
  /** A report that came too soon after the one before. */
  unstored: Report | null = null
  storedReportMs = Number.NEGATIVE_INFINITY
  /** The event that ended it here; nothing of this attempt may follow. */
  endedBy: JobEvent | null = null
  #turn: Promise<unknown> = Promise.resolve()

  constructor(
    about: Pick<LentAttempt, 'run' | 'attempt' | 'workerId' | 'startedMs' | 'lease'> & { report?: Report | null },
  ) {
    this.run = about.run
    this.attempt = about.attempt
    this.workerId = about.workerId
    this.startedMs = about.startedMs
    this.lease = about.lease
    this.report = about.report ?? null
  }

  get jobId(): string {
    return this.run.spec.job_id
  }

  /** One event is written at a time: each compares with the one before, and none may follow the end. */
  inTurn<T>(write: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(write)
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  /** The event that moves the lease, or tells of progress. */
  extension(untilMs: number, report: Report | null): EventBody {
    const { percent, message, data } = report ?? { percent: 0, message: null, data: undefined }
    return {
      event: 'job:progress',
      attempt: this.attempt.attempt,
      worker_id: this.workerId,
      trigger: this.run.delivery.seq,
      crashes: this.attempt.crashes,
      isolated: false,
      percent,
      message,
      ...(data === undefined || data === null ? {} : { data }),
      lent: {
        ...lentMember({ ...this.lease, untilMs }),
        fencing_token: this.attempt.seq,
        has_reported: report !== null,
      },
    }
  }

  /** Follows an event of this attempt that another process stored. */
  follow(event: RunningEvent, seq: number): void {
    this.run.continueAfter(seq)
    this.lease = leaseIn(event) ?? this.lease
    this.report = reportIn(event)
  }

  /** What the worker gets. @param secret of which the lease has the hash */
  handOut({ gatewayId }: Pick<LendDeps, 'gatewayId'>, secret: string): LentJob {
    const { spec } = this.run
    const traceparent = this.run.attemptTraceparent
    const token: LeaseToken = {
      gateway_id: gatewayId,
      worker_id: this.workerId,
      type: spec.type,
      priority: spec.priority,
      job_id: spec.job_id,
      attempt: this.attempt.attempt,
      seq: this.attempt.seq,
      trigger: this.run.delivery.seq,
      secret,
      ack: ackPlaceOf(this.run.delivery, spec),
    }
    return {
      job_id: spec.job_id,
      type: spec.type,
      object_id: spec.object_id,
      payload: spec.payload ?? null,
      ...(spec.tags === undefined ? {} : { tags: spec.tags }),
      created_at: spec.created_at,
      attempt: this.attempt.attempt,
      max_attempts: spec.max_attempts,
      timeout_ms: spec.timeout_ms,
      deadline_at: isoTime(this.lease.deadlineMs),
      fencing_token: this.attempt.seq,
      lease: writeLease(token),
      lease_until: isoTime(this.lease.untilMs),
      ...(traceparent === null ? {} : { traceparent }),
    }
  }
}

export type RunningEvent = Extract<JobEvent, { event: 'job:started' | 'job:progress' }>

export const isRunning = (event: JobEvent | null): event is RunningEvent =>
  event?.event === 'job:started' || event?.event === 'job:progress'

/** @returns null for an attempt that was not lent */
export function leaseIn({ lent }: RunningEvent): Lease | null {
  if (lent === undefined) return null
  return { untilMs: Date.parse(lent.lease_until), deadlineMs: Date.parse(lent.deadline_at), hash: lent.lease_hash }
}

export const fencingTokenIn = (event: RunningEvent, seq: number): number =>
  event.event === 'job:started' ? seq : (event.lent?.fencing_token ?? 0)

export function reportIn(event: RunningEvent): Report | null {
  if (event.event !== 'job:progress' || event.lent?.has_reported === false) return null
  return { percent: event.percent, message: event.message, data: event.data ?? null }
}

/** A new secret's lease from now on. */
export function newLease(secret: string, nowMs: number, leaseMs: number, timeoutMs: number): Lease {
  const deadlineMs = nowMs + timeoutMs
  return { untilMs: Math.min(nowMs + leaseMs, deadlineMs), deadlineMs, hash: hashOf(secret) }
}

/** The attempt that a running event tells of; null where it was not lent. */
export function lentAttemptOf(
  clock: Pick<LendDeps['clock'], 'now' | 'monotonic'>,
  run: JobRun,
  event: RunningEvent,
  seq: number,
): LentAttempt | null {
  const lease = leaseIn(event)
  if (lease === null) return null
  run.continueAfter(seq)
  const sinceStartMs = Math.max(0, clock.now() - (lease.deadlineMs - run.spec.timeout_ms))
  return new LentAttempt({
    run,
    attempt: {
      attempt: event.attempt,
      crashes: event.crashes,
      isolated: false,
      seq: fencingTokenIn(event, seq),
    },
    workerId: event.worker_id,
    startedMs: clock.monotonic() - sinceStartMs,
    lease,
    report: reportIn(event),
  })
}
