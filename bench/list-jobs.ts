import { stat } from 'node:fs/promises'
import { cpus } from 'node:os'
import { ANYONE } from '#shared/auth/caller.ts'
import type { ErrorList } from '#shared/contracts/http/errors.ts'
import type { JobFilter } from '#shared/contracts/http/job-list.ts'
import { makeJobId } from '#shared/contracts/log/job-id.ts'
import { makeCursor } from '#shared/http/cursor.ts'
import type { JobStore } from '#shared/stores/jobs/job-store.ts'
import { startHasty } from '../e2e/support/hasty.ts'
import { type JobSearch, toSearch } from '../services/api/read/job-filter.ts'
import { SPAN_MS, withFilledStore } from './fill-store.ts'
import { quantilesOf } from './quantiles.ts'

// `node bench/list-jobs.ts [JOBS] [REQUESTS]`: fills a store, then measures every kind of search: the store's own call
// in this process, and the same over HTTP from a real api. Prints the table of docs/performance.md.

const JOBS = Number(process.argv[2] ?? 1_000_000)
const REQUESTS = Number(process.argv[3] ?? 500)
/** Calls before the measured ones. */
const WARM_UP = 50
const endMs = Date.now()

/** A search for pages from the newest on, or from anywhere in the middle. */
type Search = { name: string; filter: JobFilter; deep?: boolean }

const searches: Search[] = [
  { name: 'no filter', filter: {} },
  { name: 'no filter, deep', filter: {}, deep: true },
  { name: 'status=finished, deep', filter: { status: ['finished'] }, deep: true },
  { name: 'status=failed (2 %), deep', filter: { status: ['failed'] }, deep: true },
  { name: 'status=scheduled (200 jobs, the oldest)', filter: { status: ['scheduled'] } },
  {
    name: 'status=finished,failed,cancelled, deep',
    filter: { status: ['finished', 'failed', 'cancelled'] },
    deep: true,
  },
  { name: 'type (25 %), deep', filter: { type: 'resize' }, deep: true },
  { name: 'type (0.1 %), deep', filter: { type: 'audit' }, deep: true },
  { name: 'type and status (0.5 %), deep', filter: { type: 'resize', status: ['failed'] }, deep: true },
  { name: 'type that no job has', filter: { type: 'unknown' } },
  { name: 'object_id (5 jobs)', filter: { object_id: 'order-77777' } },
  { name: 'object_id (20,000 jobs)', filter: { object_id: 'nightly' } },
  { name: 'object_id (20,000 jobs), deep', filter: { object_id: 'nightly' }, deep: true },
  { name: 'object_id (20,000 jobs) and a status none has', filter: { object_id: 'nightly', status: ['scheduled'] } },
  { name: 'object_id that no job has', filter: { object_id: 'never used' } },
  { name: 'an hour in the middle, type and status', filter: { ...middleHour(), type: 'resize', status: ['failed'] } },
]

function middleHour(): Pick<JobFilter, 'created_after' | 'created_before'> {
  const middleMs = endMs - SPAN_MS / 2
  return {
    created_after: new Date(middleMs).toISOString(),
    created_before: new Date(middleMs + 3_600_000).toISOString(),
  }
}

/** An id that some job could have, anywhere in the time of all jobs. */
const somewhere = (): string => makeJobId(Math.floor(endMs - Math.random() * SPAN_MS), '0'.repeat(16))

async function timeOf(call: () => Promise<unknown>): Promise<{ p50: number; p99: number }> {
  const times: number[] = []
  for (let i = -WARM_UP; i < REQUESTS; i++) {
    const startedMs = performance.now()
    await call()
    if (i >= 0) times.push(performance.now() - startedMs)
  }
  const at = quantilesOf(times)
  return { p50: at(0.5) ?? Number.NaN, p99: at(0.99) ?? Number.NaN }
}

async function fromStore(store: JobStore, { filter, deep }: Search, limit: number) {
  const search = toSearch(filter, ANYONE)
  return timeOf(() => store.list({ ...search, ...(deep === true ? { belowId: somewhere() } : {}), limit }))
}

async function fromApi(url: string, { filter, deep }: Search, limit: number) {
  const search = toSearch(filter, ANYONE)
  return timeOf(() => get(`${url}/v1/jobs?${parametersOf(search, filter, limit, deep === true).toString()}`))
}

function parametersOf(search: JobSearch, filter: JobFilter, limit: number, deep: boolean): URLSearchParams {
  const parameters = new URLSearchParams({ limit: String(limit) })
  const { payload: _payload, ...named } = filter
  for (const [name, value] of Object.entries(named)) parameters.set(name, String(value))
  if (deep) parameters.set('cursor', makeCursor(search, somewhere()))
  return parameters
}

async function get(url: string): Promise<void> {
  const response = await fetch(url)
  const text = await response.text()
  if (response.status !== 200) throw new Error(`${url}: ${response.status} ${text}`)
}

/** The addresses that a dashboard asks for; a bounded search has its bound beside it. */
const ENDPOINTS: Record<string, string> = {
  'GET /v1/series, 15 min by 10 s, each type': '/v1/series?by=type',
  'GET /v1/series, 3 h by 1 min, each type': '/v1/series?step=1m&by=type',
  'GET /v1/series, 7 days by 1 h, each type': '/v1/series?step=1h&by=type',
  'GET /v1/errors': '/v1/errors',
  'GET /v1/jobs/count': '/v1/jobs/count',
  'GET /v1/jobs/count, status and type': '/v1/jobs/count?status=failed&type=resize',
  'GET /v1/jobs/count, a time and a status': `/v1/jobs/count?status=finished&created_after=${new Date(endMs - SPAN_MS / 2).toISOString()}`,
  'GET /v1/jobs, id_prefix': `/v1/jobs?id_prefix=${makeJobId(endMs - SPAN_MS / 2, '').slice(0, 6)}`,
  'GET /v1/jobs, attempts_min=2, none has (stops after 25 ms)': '/v1/jobs?attempts_min=2',
  'GET /v1/jobs, payload of one job (stops after 25 ms)': '/v1/jobs?payload/customer=500000',
  'GET /v1/schedules/calendar': '/v1/schedules/calendar',
  'GET /v1/health': '/v1/health',
}

async function errorSearch(url: string): Promise<string> {
  const { errors } = (await (await fetch(`${url}/v1/errors?type=resize`)).json()) as ErrorList
  return `/v1/jobs?error=${errors[0]?.fingerprint}`
}

const cell = ({ p50, p99 }: { p50: number; p99: number }): string => `${p50.toFixed(2)} / ${p99.toFixed(2)}`

await withFilledStore(JOBS, endMs, async ({ store, file, seconds, writes, env }) => {
  const { size } = await stat(file)
  console.log(`${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString()}`)
  console.log(
    `${JOBS} jobs, ${Math.round(size / 1e6)} MB, ${Math.round(writes / seconds)} writes a second while filling`,
  )
  await using hasty = await startHasty({ jobs: 0, env })
  console.log('\n| milliseconds, p50 / p99 | store, 50 jobs | store, 200 jobs | HTTP, 50 jobs | HTTP, 200 jobs |')
  console.log('| --- | --- | --- | --- | --- |')
  for (const search of searches) {
    const times = [
      await fromStore(store, search, 50),
      await fromStore(store, search, 200),
      await fromApi(hasty.url, search, 50),
      await fromApi(hasty.url, search, 200),
    ]
    console.log(`| ${search.name} | ${times.map(cell).join(' | ')} |`)
  }
  const counts = cell(await timeOf(() => store.counts(null)))
  console.log(`| counts, GET /v1/stats | ${counts} | | ${cell(await timeOf(() => get(`${hasty.url}/v1/stats`)))} | |`)
  for (const [name, path] of [
    ...Object.entries(ENDPOINTS),
    ['GET /v1/jobs, error', await errorSearch(hasty.url)] as const,
  ])
    console.log(`| ${name} | | | ${cell(await timeOf(() => get(hasty.url + path)))} | |`)
  await store.close()
})
