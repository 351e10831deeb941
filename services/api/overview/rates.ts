import type { JobStore } from '#shared/stores/jobs/job-store.ts'
import type { SeriesRow } from '#shared/stores/jobs/series/series.ts'
import { isNewer, type RowVersion } from '#shared/stores/version.ts'
import { isoTime, SECOND } from '#shared/time/clock.ts'

/** What came and went between two looks. */
export interface Flow {
  in: number
  out: number
  failed: number
}

/** How far back counts are compared: what happened earlier and is read from the log only now does not happen now. */
const WINDOW_S = 120

/** Tells what happened between two looks at the counts by time, which the keeper writes. */
export class Rates {
  /** The counts at the last look, by span and type; null: there was none. */
  #before: Map<string, Flow> | null = null
  #flows: Map<string, Flow> | null = null
  #version: RowVersion = { generation: 0, seq: 0 }
  #changedAt = ''

  /** What happened to the jobs of each type; null: there was no look before. */
  get flows(): ReadonlyMap<string, Flow> | null {
    return this.#flows
  }

  /** When the counts were last seen to change, ISO 8601. */
  changedAt(nowMs: number): string {
    return this.#changedAt === '' ? isoTime(nowMs) : this.#changedAt
  }

  /** @throws when the store does not answer */
  async read(store: Pick<JobStore, 'series'>, tenant: string | null, nowMs: number): Promise<void> {
    const nowS = Math.floor(nowMs / SECOND)
    const window = { fromS: nowS - WINDOW_S, belowS: nowS + WINDOW_S }
    const rows = await store.series({ stepS: 10, tenant, type: null, ...window })
    this.#flows = this.#before === null ? null : flowsSince(this.#before, rows)
    this.#before = new Map(rows.map((row) => [keyOf(row), flowOf(row)]))
    const newest = rows.reduce<RowVersion>((known, row) => (isNewer(row, known) ? row : known), this.#version)
    if (newest === this.#version) return
    this.#version = { generation: newest.generation, seq: newest.seq }
    this.#changedAt = isoTime(nowMs)
  }

  /** Begins anew: what happens while the store does not answer is not told. */
  forget(): void {
    this.#before = null
    this.#flows = null
  }
}

const keyOf = ({ atS, type }: SeriesRow): string => `${atS} ${type}`

const flowOf = ({ tally: { accepted, completed, failed, cancelled } }: SeriesRow): Flow => ({
  in: accepted,
  out: completed + failed + cancelled,
  failed,
})

const NOTHING: Flow = { in: 0, out: 0, failed: 0 }

function flowsSince(before: Map<string, Flow>, rows: SeriesRow[]): Map<string, Flow> {
  const flows = new Map<string, Flow>()
  for (const row of rows) {
    const now = flowOf(row)
    const then = before.get(keyOf(row)) ?? NOTHING
    const sum = flows.get(row.type) ?? NOTHING
    // A rebuild counts a span from nothing, so that it may have less than before.
    flows.set(row.type, {
      in: sum.in + Math.max(0, now.in - then.in),
      out: sum.out + Math.max(0, now.out - then.out),
      failed: sum.failed + Math.max(0, now.failed - then.failed),
    })
  }
  return flows
}
