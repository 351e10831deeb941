import { setTimeout as sleep } from 'node:timers/promises'
import { Hasty } from '../../client/index.ts'
import { quantilesOf } from '../quantiles.ts'
import { withHasty } from './start-scaled.ts'

/** Milliseconds from kill -9 of a job service to the next start of the job that it ran. */
export interface DeadWorkerRow {
  kills: number
  p50: number
  p99: number
  max: number
  problems: string[]
}

/** Job services that are there in the end: one to notice a death, one to help. */
const SURVIVORS = 2
/**
 * Until then a job service that is not there may be on its way back: its neighbours judge nobody within five seconds
 * after they were held up themselves, as they are while so many start.
 */
const SETTLE_MS = 15_000
/** Until then each job service has the one spare child process again that it keeps, and none that the last death left. */
const BETWEEN_MS = 12_000
/** The list of what a worker holds is told every two seconds. */
const LISTED_MS = 2_500
const LOOK_EVERY_MS = 10
const RUNS_MS = 120_000

export function measureDeadWorker(kills: number): Promise<DeadWorkerRow> {
  return withHasty({ apis: 1, jobs: kills + SURVIVORS, types: 0 }, async ({ url }) => {
    const client = new Hasty({ url })
    const waits: number[] = []
    await sleep(SETTLE_MS)
    for (let n = 0; n < kills; n++) {
      waits.push(await killOne(client))
      await sleep(BETWEEN_MS)
    }
    const at = quantilesOf(waits)
    return { kills, p50: at(0.5) ?? 0, p99: at(0.99) ?? 0, max: at(1) ?? 0, problems: [] }
  })
}

/** Kills the job service that runs a job. @returns milliseconds until the job was started elsewhere */
async function killOne(client: Hasty): Promise<number> {
  const { job_id: jobId } = await client.create('sleep', { ms: RUNS_MS }, { timeoutMs: 2 * RUNS_MS })
  const { worker_id: workerId } = await untilAttempt(client, jobId, 1)
  await sleep(LISTED_MS)
  const killedMs = Date.now()
  process.kill(Number(workerId?.split('-').at(-2)), 'SIGKILL')
  const { started_at: startedAt } = await untilAttempt(client, jobId, 2)
  await client.cancel(jobId)
  return Date.parse(startedAt ?? '') - killedMs
}

async function untilAttempt(client: Hasty, jobId: string, count: number) {
  for (;;) {
    const attempt = (await client.get(jobId)).attempts?.[count - 1]
    if (attempt !== undefined) return attempt
    await sleep(LOOK_EVERY_MS)
  }
}
