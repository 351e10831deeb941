import { expect, test } from 'vitest'
import type { EventBody } from '#shared/bus/job-history.ts'
import { silentLog } from '../../../e2e/support/bus.ts'
import type { WorkerDeps } from '../worker-deps.ts'
import { Hold } from './hold.ts'
import type { JobRun } from './job-run.ts'
import { startAttempt } from './start-attempt.ts'

const job = { job_id: 'j', type: 'sleep', priority: 'normal' } as const

/** A job whose workers died, where no child starts. */
function withoutChildren(crashes: number, deliveries: number) {
  const published: Partial<EventBody>[] = []
  const settled: string[] = []
  const reserve = () => Promise.reject(new Error('exit code 1'))
  const deps = {
    workerId: 'w',
    isolation: { hasRoom: true, reserve },
    puller: { ack: () => settled.push('ack'), nak: (_: unknown, ms: number) => settled.push(`nak ${ms}`) },
    log: silentLog,
  } as unknown as WorkerDeps
  const run = {
    spec: { ...job, event: 'job:created', attempt: 1, crashes },
    delivery: { seq: 5, deliveries },
    hold: new Hold(job, 5),
    after: 5,
    place: null,
    publish: (event: EventBody) => Promise.resolve(published.push(event) && { kind: 'stored', seq: 6 }),
  } as unknown as JobRun
  return { published, settled, start: () => startAttempt(deps, run) }
}

test('where no child starts, a job that may have killed its worker runs without one', async () => {
  const { start, published } = withoutChildren(1, 1)
  expect(await start()).toMatchObject({ isolated: false, crashes: 1 })
  expect(published).toMatchObject([{ event: 'job:started', isolated: false }])
})

test('one that surely has is handed back for a while, and fails then', async () => {
  const early = withoutChildren(2, 60)
  expect(await early.start()).toBeNull()
  expect(early).toMatchObject({ published: [], settled: ['nak 5000'] })
  const late = withoutChildren(2, 61)
  expect(await late.start()).toBeNull()
  expect(late).toMatchObject({ published: [{ event: 'job:failed', reason: 'crashed' }], settled: ['ack'] })
})
