import { expect, test } from 'vitest'
import { z } from 'zod'
import type { JobType } from '#shared/accept/job-types.ts'
import { planSchema } from '#shared/contracts/http/requests.ts'
import { DEFAULT_POLICY } from '#shared/contracts/log/job-type.ts'
import { AppError } from '#shared/errors/app-error.ts'
import type { DefinitionKey, DefinitionRecord } from '../definitions/definition-records.ts'
import { checkPlan, checkValues } from './check-plan.ts'

const add: JobType = {
  info: { type: 'add', policy: { ...DEFAULT_POLICY, max_attempts_limit: 5 }, payload_schema: {} },
  payload: z.strictObject({ numbers: z.array(z.number()) }),
}
const child: DefinitionRecord = { tenant: null, name: 'child', version: 1, steps: [], created_at: '' }
const deps = {
  types: {
    getPublic: (type: string) =>
      type === 'add' ? Promise.resolve(add) : Promise.reject(new AppError('unknown-type', 'There is no such type.')),
  },
  services: new Map([['shop', new URL('http://shop')]]),
  definitions: {
    read: ({ tenant, name }: DefinitionKey, version: number | '*' = '*') =>
      Promise.resolve(tenant === null && name === 'child' && (version === '*' || version === 1) ? child : null),
  },
}
const nobody = { tenant: null }

const job = (name: string, more: Record<string, unknown> = {}) => ({ name, type: 'add', ...more })
const step = (name: string, more: Record<string, unknown> = { jobs: [job('a')] }) => ({ name, ...more })

/** The faults, as `pointer: detail`. */
async function errorsOf(check: () => Promise<void> | void): Promise<string[]> {
  try {
    await check()
    return []
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'invalid-plan') throw error
    const errors = error.members['errors'] as { pointer: string; detail: string }[]
    return errors.map(({ pointer, detail }) => `${pointer}: ${detail}`)
  }
}
const problemsOf = (steps: unknown) => errorsOf(() => checkPlan(deps, nobody, planSchema.parse(steps)))

const jobs = (count: number) => Array.from({ length: count }, (_, n) => job(`j${n}`))

test('a plan that uses everything is right', async () => {
  const steps = [
    step('one', {
      jobs: [
        job('a', { payload: { numbers: [1] }, attempts: 5, compensate: { service: 'shop', path: '/undo' } }),
        job('b', { needs: ['a', 'c'], payload: { numbers: { $value: '/extras/list' } } }),
        { name: 'c', service: 'shop', path: '/c', foreach: '/params/list' },
        job('d', { foreach: '/params/list', payload: { anything: 1 } }),
        { name: 'f', definition: 'child', version: 1, payload: { a: 1 } },
        job('e', { compensate: { type: 'add', payload: { numbers: [{ $value: '/result' }] } } }),
      ],
    }),
    step('two', { signal: 'go' }),
    step('three', { sleep_ms: 5 }),
    step('four', { sleep_until: '2027-01-01T00:00:00Z' }),
  ]
  expect(await problemsOf(steps)).toEqual([])
  expect(await problemsOf([step('one', { jobs: jobs(1_000) })])).toEqual([])
})

test.each<[string, unknown, string[]]>([
  ['no steps', [], ['/steps: must have at least one step']],
  [
    '101 steps',
    Array.from({ length: 101 }, (_, n) => step(`s${n}`, { sleep_ms: 1 })),
    ['/steps: must have at most 100 steps'],
  ],
  [
    '1,001 jobs',
    [step('one', { jobs: jobs(1_000) }), step('two', { jobs: jobs(1) })],
    ['/steps: must have at most 1000 jobs in all'],
  ],
  [
    'many bytes',
    [step('one', { jobs: [job('a', { payload: 'x'.repeat(300_000) })] })],
    ['/steps: must have at most 262144 bytes'],
  ],
  ['an empty step', [step('one', {})], ['/steps/0: must have jobs, signal, sleep_ms or sleep_until']],
  ['a step of no jobs', [step('one', { jobs: [] })], ['/steps/0: must have jobs, signal, sleep_ms or sleep_until']],
  [
    'a step that is two things',
    [
      step('one', { jobs: [job('a')], signal: 'go' }),
      step('two', { sleep_ms: 1, sleep_until: '2027-01-01T00:00:00Z' }),
    ],
    [0, 1].map((n) => `/steps/${n}: may have only one of jobs, signal, sleep_ms and sleep_until`),
  ],
  [
    'two steps for one signal',
    [step('one', { signal: 'go' }), step('two', { signal: 'go' })],
    ['/steps/1/signal: is already awaited by an earlier step; a signal counts once'],
  ],
  [
    'values of nowhere',
    [
      step('one', {
        jobs: [
          job('a', { payload: { numbers: [{ $value: '/extra/oops' }], 'a/b': { $value: 'params' } } }),
          job('b', {
            payload: { numbers: { $value: '/item' } },
            compensate: { type: 'add', payload: { $value: '/result' } },
          }),
        ],
      }),
    ],
    [
      '/steps/0/jobs/0/payload/numbers/0/$value: must begin with /params, /extras',
      '/steps/0/jobs/0/payload/a~1b/$value: must begin with /params, /extras',
      '/steps/0/jobs/1/payload/numbers/$value: must begin with /params, /extras',
    ],
  ],
  [
    'a request for each item',
    [step('one', { jobs: [{ name: 'a', definition: 'inner', foreach: '/params/list' }] })],
    [
      '/steps/0/jobs/0/foreach: can make jobs but not requests; put the loop into one child request',
      '/steps/0/jobs/0/definition: is not a known definition or version',
    ],
  ],
  [
    '21 requests',
    [step('one', { jobs: Array.from({ length: 21 }, (_, n) => ({ name: `r${n}`, definition: 'inner' })) })],
    ['/steps: must have at most 20 jobs that are requests'],
  ],
  [
    'two steps of a name',
    [step('one'), step('two'), step('one')],
    ['/steps/2/name: is already the name of an earlier step'],
  ],
  [
    'two jobs of a name in a step',
    [step('one', { jobs: [job('a'), job('a')] }), step('two', { jobs: [job('a')] })],
    ['/steps/0/jobs/1/name: is already the name of an earlier job of this step'],
  ],
  [
    'a need of what is not there',
    [step('one', { jobs: [job('a', { needs: ['b'] })] }), step('two', { jobs: [job('b')] })],
    ['/steps/0/jobs/0/needs/0: is not a job of this step'],
  ],
  [
    'a cycle, and what waits behind it',
    [
      step('one', {
        jobs: [
          job('a', { needs: ['c'] }),
          job('b', { needs: ['a'] }),
          job('c', { needs: ['b', 'e'] }),
          job('d', { needs: ['c'] }),
          job('e'),
        ],
      }),
    ],
    [0, 1, 2, 3].map((n) => `/steps/0/jobs/${n}/needs: is part of a cycle`),
  ],
  [
    'a job that needs itself',
    [step('one', { jobs: [job('a', { needs: ['a'] })] })],
    ['/steps/0/jobs/0/needs: is part of a cycle'],
  ],
  [
    'neither type nor service, or both',
    [step('one', { jobs: [{ name: 'a' }, job('b', { service: 'shop' }), job('c', { compensate: {} })] })],
    ['0', '1', '2/compensate'].map((n) => `/steps/0/jobs/${n}: must have exactly one of type, service and definition`),
  ],
  [
    'a path without a service',
    [step('one', { jobs: [job('a', { path: '/a' })] })],
    ['/steps/0/jobs/0/path: is only allowed with service'],
  ],
  [
    'an unknown service',
    [step('one', { jobs: [{ name: 'a', service: 'nobody' }] })],
    ['/steps/0/jobs/0/service: is not a service that SERVICES names'],
  ],
  [
    'an unknown type',
    [step('one', { jobs: [{ name: 'a', type: 'nothing' }, job('b', { compensate: { type: 'nothing' } })] })],
    ['0', '1/compensate'].map((n) => `/steps/0/jobs/${n}/type: is not a known job type`),
  ],
  [
    'an unknown definition, or a version of it',
    [
      step('one', {
        jobs: [
          { name: 'a', definition: 'nothing' },
          { name: 'b', definition: 'child', version: 2 },
        ],
      }),
    ],
    [0, 1].map((n) => `/steps/0/jobs/${n}/definition: is not a known definition or version`),
  ],
  [
    'what a definition has of its own',
    [step('one', { jobs: [{ name: 'a', definition: 'child', attempts: 2 }, job('b', { version: 1 })] })],
    [
      '/steps/0/jobs/0/attempts: is not allowed with definition',
      '/steps/0/jobs/1/version: is only allowed with definition',
    ],
  ],
  [
    'more attempts than the type allows',
    [step('one', { jobs: [job('a', { attempts: 6 })] })],
    ['/steps/0/jobs/0/attempts: must be at most 5 for this type'],
  ],
])('%s is refused', async (_, steps, expected) => {
  expect(await problemsOf(steps)).toEqual(expected)
})

test('a payload that does not fit its type is refused, with the place in it', async () => {
  const steps = [step('one', { jobs: [job('a', { payload: { numbers: [1, 'x'] } })] })]
  expect(await problemsOf(steps)).toEqual([expect.stringMatching(/^\/steps\/0\/jobs\/0\/payload\/numbers\/1: /)])
})

test('of many errors the first 20 are named', async () => {
  const steps = Array.from({ length: 50 }, (_, n) => step(`s${n}`, {}))
  expect(await problemsOf(steps)).toHaveLength(20)
})

test('a definition may begin a request of itself, but of no other tenant', async () => {
  const plan = planSchema.parse([step('one', { jobs: [{ name: 'a', definition: 'child' }] })])
  expect(await errorsOf(() => checkPlan(deps, { tenant: 'acme', definition: 'child' }, plan))).toEqual([])
  expect(await errorsOf(() => checkPlan(deps, { tenant: 'acme' }, plan))).toHaveLength(1)
})

test('a broker that does not answer is not an error of the plan', async () => {
  const types = { getPublic: () => Promise.reject(new AppError('unavailable', 'It is away.')) }
  const plan = planSchema.parse([step('one')])
  await expect(checkPlan({ ...deps, types }, nobody, plan)).rejects.toMatchObject({ code: 'unavailable' })
})

test('params and extras have their bytes', async () => {
  const big = { text: 'é'.repeat(32 * 1024) }
  expect(await errorsOf(() => checkValues({ params: big, extras: big }))).toEqual([
    '/params: may have at most 65536 bytes',
    '/extras: may have at most 65536 bytes',
  ])
  expect(await errorsOf(() => checkValues({ params: { text: 'x'.repeat(65_000) }, extras: {} }))).toEqual([])
})
