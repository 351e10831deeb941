import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { openFreshFile } from '../../sqlite/open-fresh.ts'
import { EVERYTHING, idOf, minute, storedJob } from '../conformance/records.ts'
import { testJobStore } from '../conformance.ts'
import { SEGMENT_JOBS } from './schema.ts'
import { openSqliteStore } from './sqlite-jobs.ts'

const openFile = () => openFreshFile('jobs.sqlite', openSqliteStore)

testJobStore('sqlite', openFile, { atomicUpdates: true, propertyRuns: 100 })

test('an object is found in whatever segment its jobs lie, also when segments between are empty', async () => {
  await using opened = await openFile()
  const { store } = opened
  const many = Array.from({ length: 3 * SEGMENT_JOBS }, (_, n) =>
    storedJob(
      n,
      { seq: n + 1 },
      {
        object_id: n % SEGMENT_JOBS === 7 ? 'rare' : `object-${n}`,
        // The second segment alone is old enough to be deleted.
        ...(Math.floor(n / SEGMENT_JOBS) === 1 ? { phase: 'finished', updated_at: minute(1) } : {}),
      },
    ),
  )
  for (let i = 0; i < many.length; i += 1_024) await store.putNewer(many.slice(i, i + 1_024))
  const rare = async (limit = 10) =>
    (await store.list({ ...EVERYTHING, objectId: 'rare', limit })).map((each) => each.job_id)
  const [first, second, third] = [0, 1, 2].map((segment) => idOf(segment * SEGMENT_JOBS + 7))
  expect(await rare()).toEqual([third, second, first])
  expect(await rare(2)).toEqual([third, second])
  expect(await store.deleteEndedBefore(minute(2), many.length)).toBe(SEGMENT_JOBS)
  expect(await rare()).toEqual([third, first])
  using database = new DatabaseSync(opened.path)
  expect(database.prepare('SELECT DISTINCT segment FROM jobs ORDER BY segment').all()).toEqual([
    { segment: 0 },
    { segment: 2 },
  ])
})
