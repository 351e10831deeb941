import type { ShardRecord } from '#shared/contracts/log/ingest.ts'
import type { Logger } from '#shared/process/logger.ts'

/** Logs how much each worker has processed: when that has changed since the last line, and at the end. */
export class WorkerReport {
  readonly #log: Pick<Logger, 'info'>
  #logged = ''

  constructor(log: Pick<Logger, 'info'>) {
    this.#log = log
  }

  log(records: readonly ShardRecord[], isLast = false): void {
    const workers = records
      .toSorted((a, b) => a.shard - b.shard)
      .flatMap(({ shard, pool, workers: all }) =>
        all.map((counts, place) => ({ ...counts, shard, in_pool: place < pool })),
      )
    const text = JSON.stringify(workers)
    if (text === this.#logged && !isLast) return
    this.#logged = text
    this.#log.info({ workers }, 'worker totals')
  }
}
