import type { Batch } from '#shared/bus/direct-get.ts'
import type { JobHistory } from '#shared/bus/job-history.ts'
import type { Stream, StreamState } from '#shared/bus/stream.ts'
import { historyFilter, JOB_ENDS, JOB_ENDS_FILTERS, parseSubject } from '#shared/contracts/log/subjects.ts'
import { taskOf } from '#shared/ids/task-address.ts'

export interface UndeliveredEndsDeps {
  /** The log of jobs. */
  stream: Pick<Stream, 'consumerFloor' | 'readBatch' | 'nextOf'>
  history: Pick<JobHistory, 'all'>
}

type End = Batch['messages'][number]

const BATCH = 500

/**
 * The messages that the log must keep for requests: the ends of their jobs that the workflow service has not taken yet,
 * each with its job's history. The ends of all other jobs do not concern that service, and hold nothing, so that the
 * log is trimmed even where it does not run. Each end is looked at once.
 */
export class UndeliveredEnds {
  readonly #deps: UndeliveredEndsDeps
  #log = ''
  /** The next sequence to read of each filter. */
  readonly #nextSeqs = new Map<string, number>()
  /** Sequence of an end of a request's job -> first sequence of that job. */
  readonly #needs = new Map<number, number>()

  constructor(deps: UndeliveredEndsDeps) {
    this.#deps = deps
  }

  /**
   * @returns the first sequence that is needed; null: none
   * @throws when the broker does not answer
   */
  async firstNeeded(state: StreamState): Promise<number | null> {
    const floor = await this.#deps.stream.consumerFloor(JOB_ENDS)
    if (floor === null || (floor.pending === 0 && floor.ackPending === 0)) {
      this.#needs.clear()
      return null
    }
    if (state.created !== this.#log) this.#forget(state.created)
    for (const seq of this.#needs.keys()) if (seq <= floor.ackFloor) this.#needs.delete(seq)
    for (const filter of JOB_ENDS_FILTERS) await this.#lookOn(filter, floor.ackFloor + 1)
    return this.#needs.size === 0 ? null : Math.min(...this.#needs.values())
  }

  /** Forgets everything when the log was replaced: sequences of another log mean nothing in this one. */
  #forget(log: string): void {
    this.#log = log
    this.#nextSeqs.clear()
    this.#needs.clear()
  }

  async #lookOn(filter: string, fromSeq: number): Promise<void> {
    for (let isMore = true; isMore; ) {
      const next = Math.max(this.#nextSeqs.get(filter) ?? 0, fromSeq)
      const batch = await this.#deps.stream.readBatch({ filter, fromSeq: next, limit: BATCH })
      const needs = await Promise.all(batch.messages.map((end) => this.#needOf(end)))
      // Recorded when all of them are known: after a failure they are read again.
      batch.messages.forEach(({ seq }, n) => {
        const need = needs[n] ?? null
        if (need !== null) this.#needs.set(seq, need)
      })
      this.#nextSeqs.set(filter, (batch.messages.at(-1)?.seq ?? next - 1) + 1)
      isMore = batch.isMore
    }
  }

  /** @returns the first sequence of the end's job; null where the job belongs to no request */
  async #needOf({ seq, subject, body }: End): Promise<number | null> {
    const address = parseSubject(subject)
    const objectId = objectIdIn(body)
    if (address === null || objectId === null) return null
    // A worker that could not read its job ended it by its address alone.
    const history = objectId === '' ? await this.#deps.history.all(address) : []
    const objectIds = [objectId, ...history.map(({ event }) => event.object_id)]
    if (objectIds.every((id) => taskOf(address.job_id, id) === null)) return null
    return (await this.#deps.stream.nextOf(historyFilter(address), 1))?.seq ?? seq
  }
}

function objectIdIn(body: string): string | null {
  try {
    const { object_id } = JSON.parse(body) as { object_id?: unknown }
    return typeof object_id === 'string' ? object_id : null
  } catch {
    return null
  }
}
