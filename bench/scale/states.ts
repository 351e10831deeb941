import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunningPeer } from '../peers/running-peer.ts'
import { call, OpenCalls, PARKED, park } from './calls.ts'

// The states in which the load is measured, and how Hasty comes into each.

export interface State {
  /** What there are `size` of. */
  text: string
  size: number
  /** Job types beside that of the load. */
  types?: (size: number) => number
  apis?: (size: number) => number
  /** Brings a running Hasty into the state. */
  fill?: (peer: RunningPeer, size: number) => Promise<Filled>
}

export interface Filled {
  count: number
  /** The reason when there are fewer than wanted. */
  why?: string
  /** Ends what is open. @returns what went wrong meanwhile */
  end?: () => string[]
}

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
/** An api has at most 500 event streams, and the kernel gives each of several apis not quite its share. */
const STREAMS_OF_API = 450
const SSE = { accept: 'text/event-stream' }
const UNTIL_IT_ENDS = { prefer: 'wait=60' }

export const states = {
  empty: { text: 'nothing else', size: 0 },
  waiting: {
    text: 'jobs that wait, of a paused type',
    size: 1_000_000,
    fill: async ({ url }, size) => {
      await call('POST', `${url}/v1/types/${PARKED}/pause`)
      return { count: (await park(url, size, {})).length }
    },
  },
  delayed: {
    text: 'jobs that wait for their time',
    size: 1_000_000,
    fill: async ({ url }, size) => ({ count: (await park(url, size, { delay_ms: DAY_MS })).length }),
  },
  types: { text: 'job types', size: 1_000, types: (size) => size },
  schedules: { text: 'schedules, each once an hour', size: 10_000, fill: fillSchedules },
  'job-readers': {
    text: 'event streams, each of a job of its own',
    size: 1_000,
    apis: apisFor,
    fill: async (peer, size) => openForJobs(peer, size, '/events', SSE, true),
  },
  readers: {
    text: 'event streams of all jobs',
    size: 1_000,
    apis: apisFor,
    fill: async ({ url }, size) => {
      const calls = await OpenCalls.open(Array<string>(size).fill(`${url}/v1/events`), SSE, true)
      return { count: size, end: () => calls.close() }
    },
  },
  waits: {
    text: 'GETs that wait for the end of a job',
    size: 1_000,
    fill: async (peer, size) => openForJobs(peer, size, '', UNTIL_IT_ENDS, false),
  },
} satisfies Record<string, State>

export type StateName = keyof typeof states

function apisFor(size: number): number {
  return Math.max(1, Math.ceil(size / STREAMS_OF_API))
}

async function fillSchedules({ url }: RunningPeer, size: number): Promise<Filled> {
  const schedule = { every_ms: HOUR_MS, job: { type: 'bench', payload: { t: 0 } } }
  for (let n = 0; n < size; n++) {
    try {
      await call('PUT', `${url}/v1/schedules/scale-${n}`, schedule)
    } catch (error) {
      return { count: n, why: error instanceof Error ? error.message : String(error) }
    }
  }
  return { count: size }
}

async function openForJobs(
  { url }: RunningPeer,
  size: number,
  path: string,
  headers: Record<string, string>,
  isAnswered: boolean,
): Promise<Filled> {
  const ids = await park(url, size, { delay_ms: DAY_MS })
  const calls = await OpenCalls.open(
    ids.map((id) => `${url}/v1/jobs/${id}${path}`),
    headers,
    isAnswered,
  )
  return { count: size, end: () => calls.close() }
}

/** Writes a folder of handlers: that of the load, and so many that nobody calls. */
export function writeHandlers(dir: string, types: number): string {
  const folder = join(dir, 'handlers')
  mkdirSync(folder)
  const load = join(import.meta.dirname, '../peers/hasty/handlers/bench.ts')
  writeFileSync(join(folder, 'bench.ts'), `export { handler } from ${JSON.stringify(load)}\n`)
  for (let n = 0; n < types; n++)
    writeFileSync(join(folder, `type-${n}.ts`), `export const handler = { type: 'type-${n}', run: () => null }\n`)
  return folder
}
