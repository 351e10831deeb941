import { expect, test } from 'vitest'
import { ANYONE } from '#shared/auth/caller.ts'
import { AppError, unavailable } from '#shared/errors/app-error.ts'
import { storedJob } from '#shared/stores/jobs/conformance/records.ts'
import type { JobStore } from '#shared/stores/jobs/job-store.ts'
import { ProjectionView } from '#shared/stores/jobs/projection-view.ts'
import { openSqliteStore } from '#shared/stores/jobs/sqlite/sqlite-jobs.ts'
import { openFreshFile } from '#shared/stores/sqlite/open-fresh.ts'
import { systemClock } from '#shared/time/clock.ts'
import { changeMany } from './change-many.ts'

const REQUEST = { requestId: 'r', requestIdTrusted: false, traceparent: null, caller: ANYONE }
const ALL = { filter: {}, limit: 1_000, cursor: undefined, isDry: false }
const away = unavailable('The broker is away.', null)

async function storeOf(jobs: number) {
  const opened = await openFreshFile('jobs.sqlite', openSqliteStore)
  await opened.store.putNewer(Array.from({ length: jobs }, (_, n) => storedJob(n, { seq: n + 1 })))
  return opened
}

/** No log is asked: how old the store is does not matter here. */
const depsOf = (store: JobStore) => ({
  store,
  clock: systemClock,
  view: new ProjectionView(store),
  stream: { state: () => Promise.reject(away) },
  broker: { isUp: () => false },
})

test('a refused job is passed over, every other one is changed once, and the counts say so', async () => {
  await using opened = await storeOf(250)
  const seen: number[] = []
  const result = await changeMany(depsOf(opened.store), ALL, REQUEST, async (_, n) => {
    seen.push(n)
    if (n % 50 === 0) throw new AppError('wrong-state', 'It has ended.')
  })
  expect(result).toMatchObject({ matched: 250, changed: 245, next_cursor: null })
  expect(result.job_ids).toHaveLength(100)
  expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 250 }, (_, n) => n))
})

test('when the broker goes away on a later page, the answer counts what was changed and begins that page again', async () => {
  await using opened = await storeOf(250)
  const deps = depsOf(opened.store)
  const changed = new Set<string>()
  let isUp = true
  const change = async (jobId: string, n: number) => {
    if (n === 130) isUp = false
    if (!isUp) throw away
    changed.add(jobId)
  }
  const first = await changeMany(deps, ALL, REQUEST, change)
  expect(first).toMatchObject({ matched: 130, changed: 130, next_cursor: expect.any(String) as string })
  isUp = true
  const rest = { ...ALL, cursor: first.next_cursor ?? '' }
  const second = await changeMany(deps, rest, REQUEST, async (jobId) => {
    if (changed.has(jobId)) throw new AppError('wrong-state', 'It was changed before.')
    changed.add(jobId)
  })
  expect(second).toMatchObject({ matched: 150, changed: 120, next_cursor: null })
  expect(changed.size).toBe(250)
})

test('when the broker goes away on the first page, the call fails: no cursor could say that this page is not done', async () => {
  await using opened = await storeOf(120)
  const deps = depsOf(opened.store)
  const change = async (_: string, n: number) => {
    if (n >= 30) throw away
  }
  await expect(changeMany(deps, ALL, REQUEST, change)).rejects.toBe(away)
})
