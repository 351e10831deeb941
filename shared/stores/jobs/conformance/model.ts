import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isTerminal, JOB_PHASES, type JobSummary } from '#shared/contracts/log/job.ts'
import type { ConformanceOptions, OpenStore } from '../conformance.ts'
import { currentError, fingerprintOf } from '../errors/fingerprint.ts'
import {
  AFTER_EVERY_ID,
  AFTER_EVERY_TIME,
  type JobCount,
  type JobQuery,
  type JobStore,
  type StoredJob,
} from '../job-store.ts'
import { STORED_STATUSES, storedStatusOf } from '../stored-status.ts'
import { idOf, minute, storedJob } from './records.ts'

/** The store as a map: the expected result of any sequence of calls. */
type Model = Map<string, StoredJob>

const JOBS = 6
const ALL_IDS = Array.from({ length: JOBS }, (_, n) => idOf(n))

const ERRORS = [
  { name: 'Error', message: 'no customer 5' },
  { name: 'TypeError', message: 'no customer 5' },
]

const job = fc
  .record({
    n: fc.nat({ max: JOBS - 1 }),
    generation: fc.integer({ min: 1, max: 3 }),
    seq: fc.integer({ min: 1, max: 12 }),
    phase: fc.constantFrom(...JOB_PHASES),
    isTimeout: fc.boolean(),
    error: fc.constantFrom(null, ...ERRORS),
    at: fc.integer({ min: 1, max: 5 }),
    payload: fc.jsonValue({ maxDepth: 3 }),
  })
  .map(({ n, generation, seq, phase, isTimeout, error, at, payload }) =>
    storedJob(
      n,
      { generation, seq },
      {
        ...ownOf(n),
        phase,
        reason: isTimeout ? 'timeout' : null,
        error,
        updated_at: minute(at),
        payload: JSON.parse(JSON.stringify(payload)),
      },
    ),
  )

/** A job never changes its type, object and tenant. */
const TYPES = ['mail', 'sleep']
const OBJECTS = ['a', 'b', 'c']
/** Two jobs of each tenant, of two types and objects. */
const TENANTS = [null, 'a', 'b']
const TAGS = ['customer:1', 'customer:2', 'shop']
const ownOf = (n: number) => ({
  type: TYPES[n % 2] ?? '',
  object_id: OBJECTS[n % 3] ?? '',
  tenant: TENANTS[Math.floor(n / 2)] ?? null,
  ...(n < 4 ? { tags: TAGS.slice(n % 2, 1 + (n % 3)) } : {}),
})

const search: fc.Arbitrary<JobQuery> = fc.record({
  statuses: fc.option(fc.subarray([...STORED_STATUSES])),
  type: fc.option(fc.constantFrom(...TYPES)),
  objectId: fc.option(fc.constantFrom(...OBJECTS)),
  tenant: fc.constantFrom(...TENANTS),
  tag: fc.option(fc.constantFrom(...TAGS, 'none')),
  error: fc.option(fc.constantFrom(...ERRORS.map((error) => fingerprintOf('mail', error)))),
  endedFrom: fc.constantFrom('', ' ', minute(2), minute(4)),
  endedBelow: fc.constantFrom(AFTER_EVERY_TIME, minute(3), minute(5)),
  fromId: fc.constantFrom('', ...ALL_IDS),
  belowId: fc.constantFrom(...ALL_IDS, AFTER_EVERY_ID),
  limit: fc.integer({ min: 1, max: JOBS }),
})

const command = fc.oneof(
  { weight: 4, arbitrary: fc.array(job, { maxLength: 8 }).map((jobs) => ({ do: 'put', jobs }) as const) },
  { weight: 3, arbitrary: search.map((query) => ({ do: 'search', query }) as const) },
  fc.record({
    do: fc.constant('list-unended' as const),
    phases: fc.subarray([...JOB_PHASES]),
    before: fc.integer({ min: 1, max: 6 }),
    after: fc.constantFrom('', ...ALL_IDS),
    limit: fc.integer({ min: 1, max: JOBS }),
  }),
  fc.record({
    do: fc.constant('delete' as const),
    before: fc.integer({ min: 1, max: 6 }),
    limit: fc.integer({ min: 1, max: 3 }),
  }),
)
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never

export function modelTests(open: OpenStore, { propertyRuns }: ConformanceOptions): void {
  test('any sequence of writes, searches and deletions amounts to what a map would hold', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 8 }), async (commands) => {
        await using opened = await open()
        const model: Model = new Map()
        for (const each of commands) {
          await run(opened.store, model, each)
          expect(await opened.store.getMany(ALL_IDS)).toEqual(model)
          for (const tenant of TENANTS)
            expect((await opened.store.counts(tenant)).toSorted(byName)).toEqual(counted(model, tenant))
        }
      }),
      { numRuns: propertyRuns },
    )
  })
}

async function run(store: JobStore, model: Model, each: Command): Promise<void> {
  switch (each.do) {
    case 'put':
      await store.putNewer(each.jobs)
      for (const written of each.jobs) {
        const known = model.get(written.job.job_id)
        if (known === undefined || version(written) > version(known)) model.set(written.job.job_id, written)
      }
      return
    case 'search':
      expect(await store.list(each.query)).toEqual(found(model, each.query))
      return
    case 'list-unended': {
      const { phases, after, limit } = each
      const updatedBefore = minute(each.before)
      const expected = [...model.values()]
        .filter(({ job: { phase } }) => phases.includes(phase) && !isTerminal(phase))
        .filter((stored) => stored.job.updated_at < updatedBefore && stored.job.job_id > after)
        .toSorted((a, b) => (a.job.job_id < b.job.job_id ? -1 : 1))
        .slice(0, limit)
      expect(await store.listActive({ phases, updatedBefore, afterId: after, limit })).toEqual(expected)
      return
    }
    case 'delete': {
      const before = minute(each.before)
      const may = [...model.values()].filter((stored) => (stored.job.finished_at ?? before) < before)
      expect(await store.deleteEndedBefore(before, each.limit)).toBe(Math.min(each.limit, may.length))
      // The store may choose which of them are deleted first.
      const left = await store.getMany(ALL_IDS)
      for (const { job: gone } of may) if (!left.has(gone.job_id)) model.delete(gone.job_id)
    }
  }
}

function errorOf(summary: JobSummary): string | null {
  const error = currentError(summary)
  return error === null ? null : fingerprintOf(summary.type, error)
}

const version = ({ generation, job: { seq } }: StoredJob): number => generation * 1_000 + seq

const found = (
  model: Model,
  { statuses, type, objectId, tenant, tag, error, endedFrom, endedBelow, fromId, belowId, limit }: JobQuery,
) =>
  [...model.values()]
    .map(({ job: { payload: _payload, result: _result, ...summary } }) => summary)
    .filter((each) => statuses?.includes(storedStatusOf(each)) ?? true)
    .filter((each) => error === null || error === errorOf(each))
    .filter((each) => tag === null || each.tags?.includes(tag) === true)
    .filter(({ finished_at: endedAt }) => (endedAt ?? '') >= endedFrom && (endedAt ?? '') < endedBelow)
    .filter((each) => each.type === (type ?? each.type) && each.object_id === (objectId ?? each.object_id))
    .filter((each) => each.tenant === (tenant ?? each.tenant))
    .filter((each) => each.job_id >= fromId && each.job_id < belowId)
    .toSorted((a, b) => (a.job_id < b.job_id ? 1 : -1))
    .slice(0, limit)

function counted(model: Model, tenant: string | null): JobCount[] {
  const jobs = [...model.values()]
    .filter(({ job: each }) => tenant === null || each.tenant === tenant)
    .map(({ job: each }) => ({ type: each.type, status: storedStatusOf(each) }))
  return TYPES.flatMap((type) => STORED_STATUSES.map((status) => ({ type, status })))
    .map((name) => ({ ...name, count: jobs.filter((each) => byName(each, name) === 0).length }))
    .filter(({ count }) => count > 0)
    .toSorted(byName)
}

const nameOf = ({ type, status }: Omit<JobCount, 'count'>): string => `${type} ${status}`
const byName = (a: Omit<JobCount, 'count'>, b: Omit<JobCount, 'count'>): number =>
  nameOf(a) < nameOf(b) ? -1 : Number(nameOf(a) > nameOf(b))
