import { isFirst } from '#shared/contracts/log/apply-event.ts'
import type { JobEvent, LoggedEvent } from '#shared/contracts/log/events.ts'
import type { Attempt, EventNote, Job } from '#shared/contracts/log/job.ts'
import { ErrorCounter } from '#shared/stores/jobs/errors/tally.ts'
import type { Changes, Counter, Occurrence } from '#shared/stores/jobs/series/series.ts'
import { SpanCounter } from '#shared/stores/jobs/series/tally.ts'

const OUTCOMES = {
  'job:finished': 'completed',
  'job:failed': 'failed',
  'job:cancelled': 'cancelled',
  'job:retrying': 'retried',
} as const

/** Counts what the events of a batch stand for. */
export class EventCounter {
  readonly #spans = new SpanCounter()
  readonly #errors = new ErrorCounter()
  readonly #times = new TimeReader()
  /** Filled for each occurrence anew, because making one costs as much as counting it. */
  readonly #occurrence: Occurrence = {
    seq: 0,
    atMs: 0,
    type: '',
    tenant: '',
    counter: 'accepted',
    waitMs: undefined,
    runMs: undefined,
  }

  /**
   * Counts an event: nothing, a start, an outcome or both.
   * @param job the fold with the event in it, or with more: whatever is taken of it lies before the event; null: unknown
   */
  add(job: Job | null, event: LoggedEvent, seq: number): void {
    switch (event.event) {
      case 'job:created':
      case 'job:scheduled':
        if (!isFirst(event) || event.follows !== undefined) return
        this.#about(job, event, seq)
        this.#count('accepted', this.#times.read(event.at))
        return
      case 'job:started':
        this.#about(job, event, seq)
        this.#countStart(job, event.at)
        return
      case 'job:finished':
      case 'job:failed':
      case 'job:cancelled':
      case 'job:retrying':
        this.#about(job, event, seq)
        this.#countOutcome(job, event)
        return
      case 'job:progress':
      case 'job:released':
      case 'unreadable':
        return
    }
  }

  changes(): Changes {
    return { spans: this.#spans.changes(), errors: this.#errors.changes() }
  }

  #about(job: Job | null, event: LoggedEvent, seq: number): void {
    this.#occurrence.seq = seq
    // The fold first: its members are found several times as fast as those of an event, which any member may follow.
    this.#occurrence.type = job === null ? event.type : job.type
    this.#occurrence.tenant = (job === null ? event.tenant : job.tenant) ?? ''
  }

  #count(counter: Counter, atMs: number, waitMs?: number, runMs?: number): void {
    this.#occurrence.counter = counter
    this.#occurrence.atMs = atMs
    this.#occurrence.waitMs = waitMs
    this.#occurrence.runMs = runMs
    this.#spans.add(this.#occurrence)
  }

  #countStart(job: Job | null, at: string): void {
    const atMs = this.#times.read(at)
    const ready = job === null ? undefined : readyBefore(job.events, this.#occurrence.seq)
    this.#count('started', atMs, ready === undefined ? undefined : Math.max(0, atMs - this.#times.read(ready)))
  }

  #countOutcome(job: Job | null, event: OutcomeEvent): void {
    const shortStart = event.event === 'job:cancelled' ? undefined : event.started_at
    if (shortStart !== undefined) this.#countStart(job, shortStart)
    const startedAt = shortStart ?? startOf(job, event)
    const atMs = this.#times.read(event.at)
    const runMs = startedAt === undefined ? undefined : Math.max(0, atMs - this.#times.read(startedAt))
    this.#count(OUTCOMES[event.event], atMs, undefined, runMs)
    if (event.event === 'job:finished' || event.error === undefined) return
    const { seq, type, tenant } = this.#occurrence
    this.#errors.add({ seq, at: event.at, atMs, type, tenant, jobId: event.job_id, error: event.error })
  }
}

type OutcomeEvent = Extract<JobEvent, { event: keyof typeof OUTCOMES }>

/** When the job could start, by the last event before that made it wait. */
function readyBefore(notes: readonly EventNote[], seq: number): string | undefined {
  for (let n = notes.length - 1; n >= 0; n--) {
    const note = notes[n] as EventNote
    if (note.seq >= seq) continue
    if (note.event === 'job:created' || note.event === 'job:released') return note.at
    if (note.event === 'job:scheduled' || note.event === 'job:retrying') return note.due_at ?? note.at
  }
  return undefined
}

/** When the attempt started that an event ended. */
function startOf(job: Job | null, event: { at: string; attempt?: number | undefined }): string | undefined {
  if (job === null || event.attempt === undefined) return undefined
  for (let n = job.attempts.length - 1; n >= 0; n--) {
    const { attempt, started_at: startedAt } = job.attempts[n] as Attempt
    if (attempt === event.attempt && startedAt <= event.at) return startedAt
  }
  return undefined
}

/** Reads times as services write them; those of a batch share their minute, and parsing is expensive. */
class TimeReader {
  #minute = -1
  #minuteMs = 0

  read(time: string): number {
    if (time.length !== 24) return Date.parse(time)
    const day = (pair(time, 2) * 12 + pair(time, 5)) * 32 + pair(time, 8)
    const minute = (day * 24 + pair(time, 11)) * 60 + pair(time, 14)
    if (minute !== this.#minute) {
      this.#minute = minute
      this.#minuteMs = Date.parse(`${time.slice(0, 17)}00.000Z`)
    }
    const tenths = time.charCodeAt(20) - 48
    return this.#minuteMs + pair(time, 17) * 1_000 + tenths * 100 + pair(time, 21)
  }
}

/** The number of two digits. */
const pair = (time: string, place: number): number => time.charCodeAt(place) * 10 + time.charCodeAt(place + 1) - 528
