import type { LogState } from '#shared/bus/event-feed.ts'
import type { LogReader } from '#shared/bus/log-reader.ts'
import type { Batch, BatchQuery } from '#shared/bus/read-batch.ts'
import type { ConsumerFloor } from '#shared/bus/stream-state.ts'
import { historyFilter, JOB_ENDS_FILTERS, parseSubject } from '#shared/contracts/log/subjects.ts'
import { taskOf } from '#shared/ids/task-address.ts'

export interface UnheardDeps {
  /** null: there is no such consumer, and nobody to hear. */
  jobEnds(): Promise<ConsumerFloor | null>
  readBatch(query: BatchQuery): Promise<Batch>
  reader: Pick<LogReader, 'nextOf' | 'history'>
}

type End = Batch['messages'][number]

const BATCH = 500

/**
 * What the log must keep for requests: the ends of their jobs that the workflow service has not taken yet, each with
 * its job's history. The ends of all other jobs are nothing to it, and hold nothing, so that the log is trimmed also
 * where that service does not run. Each end is looked at once.
 */
export class UnheardEnds {
  readonly #deps: UnheardDeps
  #log = ''
  /** Where each filter was read up to. */
  readonly #nextSeqs = new Map<string, number>()
  /** Sequence of an end of a request's job -> first sequence of that job. */
  readonly #needs = new Map<number, number>()

  constructor(deps: UnheardDeps) {
    this.#deps = deps
  }

  /**
   * @returns the first sequence that is needed; null: none
   * @throws when the broker does not answer
   */
  async firstNeeded(state: LogState): Promise<number | null> {
    const floor = await this.#deps.jobEnds()
    if (floor === null || (floor.pending === 0 && floor.ackPending === 0)) {
      this.#needs.clear()
      return null
    }
    if (state.created !== this.#log) this.#forget(state.created)
    for (const seq of this.#needs.keys()) if (seq <= floor.ackFloor) this.#needs.delete(seq)
    for (const filter of JOB_ENDS_FILTERS) await this.#lookOn(filter, floor.ackFloor + 1)
    return this.#needs.size === 0 ? null : Math.min(...this.#needs.values())
  }

  /** Sequences of another log mean nothing in this one. */
  #forget(log: string): void {
    this.#log = log
    this.#nextSeqs.clear()
    this.#needs.clear()
  }

  async #lookOn(filter: string, fromSeq: number): Promise<void> {
    for (let isMore = true; isMore; ) {
      const next = Math.max(this.#nextSeqs.get(filter) ?? 0, fromSeq)
      const batch = await this.#deps.readBatch({ filter, fromSeq: next, limit: BATCH })
      const needs = await Promise.all(batch.messages.map((end) => this.#needOf(end)))
      // Noted when all of them are known: what failed is read again.
      batch.messages.forEach(({ seq }, n) => {
        const need = needs[n] ?? null
        if (need !== null) this.#needs.set(seq, need)
      })
      this.#nextSeqs.set(filter, (batch.messages.at(-1)?.seq ?? next - 1) + 1)
      isMore = batch.isMore
    }
  }

  /** @returns the first sequence of the end's job; null where it is no request's */
  async #needOf({ seq, subject, body }: End): Promise<number | null> {
    const address = parseSubject(subject)
    const objectId = objectIdIn(body)
    if (address === null || objectId === null) return null
    // A worker that could not read its job ended it by its address alone.
    const history = objectId === '' ? await this.#deps.reader.history(address) : []
    const objectIds = [objectId, ...history.map(({ event }) => event.object_id)]
    if (objectIds.every((id) => taskOf(address.job_id, id) === null)) return null
    return (await this.#deps.reader.nextOf(historyFilter(address), 1))?.seq ?? seq
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
