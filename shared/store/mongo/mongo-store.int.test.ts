import mongoose from 'mongoose'
import { describe, expect, test } from 'vitest'
import { EVERYTHING, HOSTILE_VALUES, idOf, storedJob } from '../conformance/records.ts'
import { rowOfVersion1 } from '../conformance/version-1.ts'
import { testJobStore } from '../conformance.ts'
import type { StoredJob } from '../port.ts'
import { newDatabase, openFreshMongo } from './fresh-database.ts'
import { openMongoStore } from './mongo-store.ts'

/** Set by `npm test`, which starts a server or says why it has none. */
const server = process.env.HASTY_TEST_MONGO_URL
const atomicUpdates = process.env.HASTY_TEST_MONGO_KIND !== 'ferretdb'

const openFresh = (serverUrl: string, url = newDatabase(serverUrl)) => openFreshMongo(url, openMongoStore)

/** As a replica of the version before writes: it sets what it knows and leaves the rest. */
async function writeAsVersion1(url: URL, jobs: StoredJob[]): Promise<void> {
  const connection = await mongoose.createConnection(url.href).asPromise()
  const collection = connection.collection<{ _id: string }>('jobs')
  for (const { job_id, ...fields } of jobs.map(rowOfVersion1))
    await collection.updateOne({ _id: job_id }, { $set: fields }, { upsert: true })
  await connection.close()
}

async function forgetTenants(url: URL): Promise<void> {
  const connection = await mongoose.createConnection(url.href).asPromise()
  await connection.collection('jobs').updateMany({}, { $unset: { tenant: '' } })
  await connection.close()
}

function oldDocumentTests(serverUrl: string): void {
  test('documents of version 1 are read as they are, and completed at the next start', async () => {
    const url = newDatabase(serverUrl)
    await using opened = await openFresh(serverUrl, url)
    const old = Array.from({ length: 45 }, (_, n) => {
      const value = HOSTILE_VALUES[n % HOSTILE_VALUES.length]
      return storedJob(n, { seq: n + 1 }, { payload: value, result: value, phase: n % 3 === 0 ? 'failed' : 'waiting' })
    })
    await writeAsVersion1(url, old)
    for (const each of old.slice(0, 12)) expect(await opened.store.get(each.job.job_id)).toEqual(each)
    const store = await opened.openAgain()
    const found = await store.getMany(old.map(({ job }) => job.job_id))
    expect(old.map(({ job }) => found.get(job.job_id))).toEqual(old)
    const { payload: _payload, result: _result, ...summary } = storedJob(44, { seq: 45 }).job
    const listed = await store.list({ ...EVERYTHING, statuses: ['processing'] })
    expect(listed).toHaveLength(30)
    expect(listed[0]).toStrictEqual(summary)
    expect(await store.counts(null)).toHaveLength(2)
  })

  test('what a replica of version 1 writes over a newer document is right at once, and is found after the next start', async () => {
    const url = newDatabase(serverUrl)
    await using opened = await openFresh(serverUrl, url)
    await opened.store.putNewer([storedJob(1, { seq: 1 }), storedJob(2, { seq: 2 }, { phase: 'failed' })])
    const finished = storedJob(1, { seq: 3 }, { phase: 'finished', result: 'by the old one' })
    const again = storedJob(2, { seq: 4 }, { round: 2 })
    await writeAsVersion1(url, [finished, again])
    expect(await opened.store.get(idOf(1))).toEqual(finished)
    const store = await opened.openAgain()
    expect(await store.get(idOf(1))).toEqual(finished)
    expect((await store.list({ ...EVERYTHING, statuses: ['finished'] })).map((each) => each.job_id)).toEqual([idOf(1)])
    expect((await store.list({ ...EVERYTHING, statuses: ['processing'] })).map((each) => each.job_id)).toEqual([
      idOf(2),
    ])
  })

  test("documents of before there were tenants are nobody's until they are written anew", async () => {
    const url = newDatabase(serverUrl)
    await using opened = await openFresh(serverUrl, url)
    const { store } = opened
    const ofAcme = (seq: number) => storedJob(1, { seq }, { tenant: 'acme' })
    await store.putNewer([ofAcme(1), storedJob(2, { seq: 2 })])
    await forgetTenants(url)
    const idsOf = async (tenant: string | null) =>
      (await store.list({ ...EVERYTHING, tenant })).map((each) => each.job_id)
    expect([await idsOf('acme'), await store.counts('acme')]).toEqual([[], []])
    expect(await idsOf(null)).toEqual([idOf(2), idOf(1)])
    expect(await store.counts(null)).toEqual([{ type: 'sleep', status: 'processing', count: 2 }])
    await store.putNewer([ofAcme(3)])
    expect(await idsOf('acme')).toEqual([idOf(1)])
    expect(await store.counts('acme')).toEqual([{ type: 'sleep', status: 'processing', count: 1 }])
  })
}

if (server === undefined) {
  const reasons = process.env.HASTY_TEST_MONGO_SKIPPED ?? 'HASTY_TEST_MONGO_URL is not set'
  describe.skip(`mongo as a JobStore (skipped: ${reasons})`, () => {
    test('conformance', () => {})
  })
} else {
  testJobStore('mongo', () => openFresh(server), { atomicUpdates, propertyRuns: 10 })
  oldDocumentTests(server)
}
