import type { TriggerEvent } from '#shared/contracts/log/events.ts'
import { MINUTE } from '#shared/time/clock.ts'
import { ATTRIBUTES, SYSTEM } from '#shared/trace/attributes.ts'
import { UNRECORDED } from '#shared/trace/traceparent.ts'
import { type OpenSpan, SpanKind, type SpanStart, type Tracing, UNRECORDED_SPAN } from '#shared/trace/tracing.ts'
import type { WorkerDeps } from '../worker-deps.ts'
import type { JobRun } from './job-run.ts'
import type { Placement } from './placement.ts'
import type { StartedAttempt } from './start-attempt.ts'

/** An attempt that begins later than this after the job was sent has a trace of its own, linked to the other. */
const CHILD_WITHIN_MS = 10 * MINUTE

export interface TracedAttempt {
  spec: Pick<TriggerEvent, 'type' | 'job_id' | 'tenant' | 'created_at' | 'round'>
  /** The trace context that the job came with. */
  sentIn: string | null
  placement: Placement
  attempt: number
  fencingToken: number
  workerId: string
}

/** Outcomes after which the attempt's span says that it went wrong. */
const FAULTS: ReadonlySet<string> = new Set(['failed', 'retrying', 'timeout', 'crashed'])

/**
 * Begins the span of an attempt; before the first one of a job, the span of its wait is recorded too.
 * @returns null where no spans are recorded
 */
export function startAttemptSpan(
  { tracing, traceJobs: placement, clock }: Pick<WorkerDeps, 'tracing' | 'traceJobs' | 'clock'>,
  { spec, traceparent }: Pick<JobRun, 'spec' | 'traceparent'>,
  { attempt, seq: fencingToken }: StartedAttempt,
  workerId: string,
): OpenSpan | null {
  if (tracing === null) return null
  const sentIn = tracing.parentFrom(traceparent)
  if (sentIn === UNRECORDED) return UNRECORDED_SPAN
  const about: TracedAttempt = { spec, sentIn, placement, attempt, fencingToken, workerId }
  const nowMs = clock.now()
  const createdMs = Date.parse(spec.created_at)
  const start = processing(about, nowMs)
  if (attempt > 1 || spec.round > 1) return tracing.start(`process ${spec.type}`, start)
  const wait = tracing.record(`wait ${spec.type}`, {
    ...placeOf(about, nowMs),
    kind: SpanKind.INTERNAL,
    atMs: createdMs,
    endMs: Math.max(createdMs, nowMs),
    attributes: { ...aboutJob(about), [ATTRIBUTES.waitMs]: Math.max(0, nowMs - createdMs) },
  })
  // A trace of its own begins with the wait.
  return tracing.start(`process ${spec.type}`, { ...start, parent: start.parent ?? wait.traceparent })
}

export function endAttemptSpan(span: OpenSpan | null, outcome: string, reason?: string): void {
  span?.set({ [ATTRIBUTES.outcome]: outcome })
  span?.end(FAULTS.has(outcome) ? (reason ?? outcome) : null)
}

/** Records an attempt whose worker died: nobody else can tell of it. */
export function recordLostAttempt(tracing: Tracing, about: TracedAttempt, startedMs: number, nowMs: number): void {
  if (about.sentIn === UNRECORDED) return
  const start = processing(about, startedMs)
  tracing.record(`process ${about.spec.type}`, {
    ...start,
    attributes: { ...start.attributes, [ATTRIBUTES.outcome]: 'crashed' },
    atMs: startedMs,
    endMs: Math.max(startedMs, nowMs),
    error: 'crashed',
  })
}

const processing = (about: TracedAttempt, atMs: number): SpanStart & { attributes: object } => ({
  ...placeOf(about, atMs),
  kind: SpanKind.CONSUMER,
  atMs,
  attributes: {
    ...aboutJob(about),
    [ATTRIBUTES.operation]: 'process',
    [ATTRIBUTES.operationType]: 'process',
    [ATTRIBUTES.attempt]: about.attempt,
    [ATTRIBUTES.fencingToken]: about.fencingToken,
    [ATTRIBUTES.worker]: about.workerId,
  },
})

const placeOf = (about: TracedAttempt, atMs: number): Pick<SpanStart, 'parent' | 'links'> =>
  isChild(about, atMs) ? { parent: about.sentIn } : { parent: null, links: [about.sentIn] }

function isChild({ spec, placement }: TracedAttempt, atMs: number): boolean {
  if (placement !== 'auto') return placement === 'child'
  return spec.round === 1 && atMs - Date.parse(spec.created_at) < CHILD_WITHIN_MS
}

const aboutJob = ({ spec }: TracedAttempt) => ({
  [ATTRIBUTES.system]: SYSTEM,
  [ATTRIBUTES.destination]: spec.type,
  [ATTRIBUTES.messageId]: spec.job_id,
  ...(spec.tenant === undefined ? {} : { [ATTRIBUTES.tenant]: spec.tenant }),
})
