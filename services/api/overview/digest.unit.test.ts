import { expect, test } from 'vitest'
import type { LiveType } from '#shared/contracts/http/live.ts'
import type { TypeView } from '#shared/contracts/http/types.ts'
import { DEFAULT_POLICY } from '#shared/contracts/log/job-type.ts'
import type { WorkerPresence } from '#shared/contracts/log/worker-presence.ts'
import { Backlogs } from './backlogs.ts'
import { type DigestFacts, digestOf } from './digest.ts'

const view = (fields: Partial<TypeView>): TypeView => ({
  type: 'mail',
  policy: DEFAULT_POLICY,
  payload_schema: null,
  concurrency: null,
  paused: false,
  waiting: 0,
  running: 0,
  ...fields,
})

const worker = (types: string[]): WorkerPresence => ({
  worker_id: 'w',
  types,
  slots: 1,
  running: 0,
  abandoned_types: [],
  http_workers: [],
  lends: false,
})

const digest = (more: Partial<DigestFacts>) =>
  digestOf({
    facts: { types: [view({})], workers: [worker(['mail'])] },
    counts: null,
    rates: { flows: new Map(), changedAt: () => '2026-11-22T12:00:00.000Z' },
    backlogs: new Backlogs(),
    isOfTenant: false,
    nowMs: 0,
    ...more,
  })

test.each([
  ['idle without jobs, whether anybody would run them or not', {}, [], 'idle', 'healthy'],
  ['running where a worker has some', { running: 1 }, ['mail'], 'running', 'healthy'],
  ['running where some wait for a worker that lives', { waiting: 3 }, ['mail'], 'running', 'healthy'],
  ['stalled where some wait for nobody', { waiting: 3 }, ['sleep'], 'stalled', 'no_worker'],
  ['stalled where the worker of some has gone', { running: 1 }, [], 'stalled', 'no_worker'],
  ['paused where they are meant to wait', { waiting: 3, paused: true }, [], 'paused', 'healthy'],
])('a type is %s', (_name, fields, served, state, code) => {
  const { types, verdict } = digest({ facts: { types: [view(fields)], workers: [worker(served)] } })
  expect(types['mail']?.state).toBe(state)
  expect(verdict.code).toBe(code)
})

test('without the broker nobody knows what waits, and 0 is not said', () => {
  const flows = new Map([['mail', { in: 0, out: 2, failed: 1 }]])
  const { types, workers, verdict } = digest({ facts: null, rates: { flows, changedAt: () => '' } })
  expect(types['mail']).toEqual({ state: 'unknown', waiting: null, running: null, in: 0, out: 2, failed: 1 })
  expect(workers).toBeNull()
  expect(verdict.code).toBe('broker_lost')
})

test('a backlog grows when it does so for half a minute, and not when it came at once or is meant to', () => {
  const look = (sizes: number[], state: LiveType['state'] = 'running') => {
    const backlogs = new Backlogs()
    return sizes.map((waiting) => backlogs.look([['mail', { waiting, state }]])).at(-1)
  }
  const rising = Array.from({ length: 30 }, (_, n) => 100 + n * 10)
  expect(look(rising)).toEqual({ type: 'mail', waiting: 390, before: 100, seconds: 29 })
  expect(look(rising.slice(0, 20))).toBeNull()
  expect(look(rising, 'paused')).toBeNull()
  expect(look(rising.map(() => 500))).toBeNull()
  expect(look(rising.map((size) => size - 350))).toBeNull()
  expect(look([...rising.slice(0, 29).map(() => 0), 5_000])).toBeNull()
})
