import { setTimeout as sleep } from 'node:timers/promises'
import { Hasty } from '../../client/index.ts'
import type { CpuUse } from '../peers/meter.ts'
import type { RunningPeer } from '../peers/running-peer.ts'
import { quantilesOf } from '../quantiles.ts'
import { withHasty } from './start-scaled.ts'

/** Workers over HTTP that ask for so many jobs at once. */
export interface HttpWorkersRow {
  max: number
  /** Jobs a second from a backlog, each claimed and completed. */
  perS: number
  cpu: CpuUse
  jobs: number
  /** From the 201 of a job to the answer of the claim that waits for it, microseconds. */
  pickUp: { p50: number; p99: number }
  problems: string[]
}

const TYPE = 'bench-http'
/** Calls that claim and settle at the same time, as of so many workers. */
const CLAIMERS = 8
const PICK_UPS = 400
const PICK_UP_EVERY_MS = 20
const BATCH = 5_000

/** @param jobs in the backlog of each measurement */
export function measureHttpWorkers(sizes: readonly number[], jobs: number): Promise<HttpWorkersRow[]> {
  return withHasty({ apis: 1, jobs: 1, types: 0 }, async (peer) => {
    const client = new Hasty({ url: peer.url })
    await client.types.put(TYPE)
    const rows: HttpWorkersRow[] = []
    for (const max of sizes) {
      const drained = await drain(peer, client, max, jobs)
      rows.push({ max, ...drained, jobs, pickUp: await pickUp(client, max), problems: [] })
    }
    return rows
  })
}

/** Fills the lane while it is paused, and lets the workers empty it. */
async function drain(
  peer: RunningPeer,
  client: Hasty,
  max: number,
  jobs: number,
): Promise<Pick<HttpWorkersRow, 'perS' | 'cpu'>> {
  for (let left = jobs; left > 0; left -= BATCH)
    await client.batch(Array.from({ length: Math.min(BATCH, left) }, () => ({ type: TYPE, payload: { a: 1 } })))
  const meter = peer.meter()
  const startedMs = performance.now()
  let done = 0
  const work = async (n: number) => {
    let settle: { lease: string; complete: { result: unknown } }[] = []
    while (done < jobs || settle.length > 0) {
      const claim = { worker_id: `bench-${n}`, types: [TYPE], max: done < jobs ? max : 0, wait_s: 0.2, settle }
      const { jobs: claimed, settled } = await client.work.claim(claim)
      const bad = settled.find(({ status }) => status !== 'finished')
      if (bad !== undefined) throw new Error(`a job was not finished: ${JSON.stringify(bad)}`)
      done += claimed.length
      settle = claimed.map(({ lease }) => ({ lease, complete: { result: 1 } }))
    }
  }
  await Promise.all(Array.from({ length: CLAIMERS }, (_, n) => work(n)))
  return { perS: (jobs * 1_000) / (performance.now() - startedMs), cpu: meter.end() }
}

/** One worker waits, and jobs come one by one. */
async function pickUp(client: Hasty, max: number): Promise<HttpWorkersRow['pickUp']> {
  const times: number[] = []
  for (let n = 0; n < PICK_UPS; n++) {
    const claiming = client.work.claim({ worker_id: 'bench-one', types: [TYPE], max, wait_s: 10 })
    await sleep(PICK_UP_EVERY_MS)
    await client.create(TYPE, { a: 1 })
    const acceptedMs = performance.now()
    const { jobs } = await claiming
    times.push(Math.max(0, performance.now() - acceptedMs) * 1_000)
    for (const job of jobs) await client.work.complete(job, null)
  }
  const at = quantilesOf(times)
  return { p50: at(0.5) ?? 0, p99: at(0.99) ?? 0 }
}
