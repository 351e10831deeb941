import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { checkInvariants } from '../support/check-invariants.ts'
import { startFaultRun } from '../support/fault-run.ts'
import type { Processes } from '../support/hasty.ts'
import { storeOf } from '../support/projection-owner.ts'
import { startService } from '../support/replica.ts'

const UNTIL = { timeout: 20_000, interval: 100 }

/** `npm run rebuild` while everything runs. @returns the requested generation */
async function rebuild(hasty: Processes): Promise<number> {
  const env = { NATS_URL: hasty.nats.url, DATA_DIR: hasty.dataDir, MONGO_URL: '' }
  const command = await startService('keeper/rebuild.ts', env, join(hasty.dir, 'rebuild.log'))
  expect((await command.exited).code).toBe(0)
  await using store = await storeOf(hasty)
  return await vi.waitFor(async () => {
    const checkpoint = await store.readCheckpoint()
    expect(checkpoint?.owner).not.toBe('')
    expect(checkpoint?.seq).toBeGreaterThanOrEqual(checkpoint?.rebuild_until ?? 0)
    return checkpoint?.generation ?? 0
  }, UNTIL)
}

async function oldestGeneration(hasty: Processes, ids: Iterable<string>): Promise<number> {
  await using store = await storeOf(hasty)
  return Math.min(...[...(await store.getMany([...ids])).values()].map(({ generation }) => generation))
}

describe.concurrent('the read store', () => {
  test('rebuilt live under load, three times: every document is the fold of the log, no reader sees a step back', async () => {
    await using run = await startFaultRun()
    let generation = 0
    for (let round = 1; round <= 3; round++) {
      await run.acceptedReach(run.load.accepted.length + 80)
      const next = await rebuild(run.hasty)
      expect(next).toBeGreaterThan(generation)
      generation = next
    }
    await run.acceptedReach(run.load.accepted.length + 40)
    const evidence = await run.settle()
    expect(checkInvariants(evidence)).toEqual([])
    expect(await oldestGeneration(run.hasty, evidence.stored.keys())).toBe(generation)
  })

  test('deleted while all apis and keepers are down is made again from the log', async () => {
    await using run = await startFaultRun()
    await run.acceptedReach(150)
    const services = [...run.hasty.api, ...run.hasty.keeper]
    for (const service of services) service.kill('SIGKILL')
    for (const service of services) await service.exited()
    await rm(run.hasty.dataDir, { recursive: true })
    await Promise.all(services.map((service) => service.restart()))
    await run.acceptedReach(run.load.accepted.length + 80)
    const evidence = await run.settle()
    expect(checkInvariants(evidence)).toEqual([])
    expect(evidence.stored.size).toBeGreaterThanOrEqual(230)
  })

  test('forgets jobs that ended long enough ago, and keeps those that have not', async () => {
    await using run = await startFaultRun({
      total: 40,
      env: { COOLDOWN_MS: '500', LOG_RETENTION_MS: '500', JOB_RETENTION_MS: '1500' },
      request: (n) => ({ object_id: `object-${n}`, payload: { ms: n === 0 ? 6_000 : 10 } }),
    })
    await run.load.done
    await using store = await storeOf(run.hasty)
    const ids = [...run.load.accepted]
    const long = run.load.posts.find(({ object_id }) => object_id === 'object-0')?.job_id ?? ''
    await vi.waitFor(async () => {
      const unended = await store.listActive({ phases: ['running'], updatedBefore: '9', afterId: '', limit: 10 })
      expect(unended.map(({ job }) => job.job_id)).toEqual([long])
      expect((await store.getMany(ids)).size).toBeLessThan(10)
    }, UNTIL)
    // Once the job has ended nothing holds the log: then neither the store nor the log knows any of them.
    for (const { url } of run.hasty.api) {
      for (const id of [long, ...ids.slice(-3)]) {
        await vi.waitFor(async () => expect((await fetch(`${url}/${id}`)).status).toBe(404), UNTIL)
      }
    }
  })
})
