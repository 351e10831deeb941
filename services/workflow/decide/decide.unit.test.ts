import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type PlanStep, planSchema } from '#shared/contracts/http/requests.ts'
import type { TaskAddress } from '#shared/ids/task-address.ts'
import { decide as decideUnfrozen, type Input } from './decide.ts'
import type { TaskEnd } from './end-task.ts'
import { inputsToBreak } from './fallbacks.ts'
import { mergePatch } from './merge-patch.ts'
import { newRecord } from './new-record.ts'
import type { Json, RequestRecord } from './record.ts'
import { traceOf } from './trace-of.ts'

const NOW = Date.parse('2027-01-01T12:00:00.000Z')

/** A decision must not change the record that it is given, which others have too. */
const decide: typeof decideUnfrozen = (record, ...others) => decideUnfrozen(deepFreeze(record), ...others)

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const member of Object.values(value)) deepFreeze(member)
  return Object.freeze(value)
}

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

const requestOf = (
  steps: unknown[],
  params: Json = {},
  extras: Json = {},
  traceparent: string | null = null,
): RequestRecord => {
  const plan: PlanStep[] = planSchema.parse(steps)
  const request = { requestId: 'r', tenant: null, name: null, definition: null, params, extras, plan, traceparent }
  return newRecord(request, NOW)
}
const begun = (...args: Parameters<typeof requestOf>) => decide(requestOf(...args), { kind: 'pick-up' }, NOW)

/** The running tasks, as their jobs would name them. */
const running = (record: RequestRecord): TaskAddress[] => [
  ...record.steps.flatMap(({ tasks }, step) =>
    tasks.filter(({ status }) => status === 'inprogress').map(({ key, round }) => ({ step, key, round })),
  ),
  ...(record.undo ?? [])
    .filter(({ status }) => status === 'inprogress')
    .map(({ step, key, round }) => ({ step: null, undo_step: step, key, round })),
]
const ended = (task: TaskAddress, end: Partial<TaskEnd> = {}, atMs = NOW): Input => ({
  kind: 'task-ended',
  task,
  end: { status: 'completed', attempts: [], result: null, error: null, at: new Date(atMs).toISOString(), ...end },
})
const failure = { status: 'failure', error: { name: 'Error', message: 'broken' } } as const
const keysOf = (record: RequestRecord) => running(record).map(({ key }) => key)
const finish = (record: RequestRecord, key: string, end: Partial<TaskEnd> = {}, atMs = NOW): RequestRecord => {
  const task = running(record).find((each) => each.key === key)
  if (task === undefined) throw new Error(`${key} does not run`)
  return decide(record, ended(task, end, atMs), atMs)
}
const jobs = (...names: string[]) => names.map((name) => ({ name, type: 'add' }))

test('the members of a stored record keep their names, which replicas of other versions read', () => {
  const record = begun([{ name: 'one', jobs: jobs('a') }])
  const members =
    'request_id tenant name definition parent depth began_with status round params extras plan at_step steps'
  const rest = 'undo undone signals asked ends result_bytes error events created_at updated_at finished_at'
  expect(Object.keys(record)).toEqual(`${members} ${rest}`.split(' '))
  const traced = requestOf([{ name: 'one', jobs: jobs('a') }], {}, {}, TRACEPARENT)
  expect(Object.keys(traced)).toEqual(`${members} ${rest} trace`.split(' '))
  expect(traced.trace).toEqual({ parent: TRACEPARENT })
  const stepMembers = 'status started_at ended_at wake_at extras_in extras tasks writers'
  expect(Object.keys(record.steps[0] ?? {})).toEqual(stepMembers.split(' '))
})

test('a retry has the trace of its call, with a link to the round before, and none where its call has none', () => {
  const failed = finish(begun([{ name: 'one', jobs: jobs('a') }], {}, {}, TRACEPARENT), 'a', failure)
  const inFirst = traceOf(failed, 'request')
  const other = TRACEPARENT.replace('4bf9', '0000')
  const retried = decide(failed, { kind: 'retry', appliedAs: null, traceparent: other }, NOW)
  expect(retried.trace).toEqual({ parent: other, before: inFirst })
  expect(traceOf(retried, 'request')).not.toBe(traceOf({ ...retried, round: 1 }, 'request'))
  expect(decide(failed, { kind: 'retry', appliedAs: null }, NOW)).not.toHaveProperty('trace')
})

test('each part of a request has a span id of its own, the same whoever derives it', () => {
  const record = requestOf([{ name: 'one', jobs: jobs('a') }], {}, {}, TRACEPARENT)
  const parts = ['request', 'step-0', 'step-1', 'undo-0'] as const
  const traces = parts.map((part) => traceOf(record, part))
  expect(new Set(traces).size).toBe(parts.length)
  expect(traces).toEqual(parts.map((part) => traceOf(structuredClone(record), part)))
  for (const each of traces) expect(each).toMatch(/^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01$/)
  expect(traceOf(requestOf([]), 'request')).toBeNull()
})

describe('a request', () => {
  test('goes through its steps one after another, the jobs of each at the same time', () => {
    let record = begun([
      { name: 'one', jobs: jobs('a', 'b') },
      { name: 'two', jobs: jobs('c') },
    ])
    expect(keysOf(record)).toEqual(['a', 'b'])
    record = finish(record, 'b')
    expect(keysOf(record)).toEqual(['a'])
    record = finish(record, 'a')
    expect(keysOf(record)).toEqual(['c'])
    record = finish(record, 'c')
    expect(record).toMatchObject({ status: 'completed', steps: [{ status: 'completed' }, { status: 'completed' }] })
  })

  test('that nobody picked up waits', () => {
    const waiting = requestOf([{ name: 'one', jobs: jobs('a') }])
    expect(decide(waiting, { kind: 'time' }, NOW)).toBe(waiting)
    expect(running(waiting)).toEqual([])
  })

  test('gives the extras that a job returns to the steps after it, and to no job beside it', () => {
    let record = begun([
      { name: 'one', jobs: jobs('a', 'b') },
      { name: 'two', jobs: jobs('c') },
    ])
    record = finish(record, 'a', { result: { extras: { pages: 3, gone: null }, result: 1 } })
    expect(record.steps[0]?.extras_in).toEqual({})
    record = finish(record, 'b', { result: { extras: { size: { w: 1 } } } })
    expect(record.steps[1]?.extras_in).toEqual({ pages: 3, size: { w: 1 } })
    expect(record.steps[0]?.extras).toEqual({ pages: 3, size: { w: 1 } })
  })

  test('tells of two jobs of a step that wrote the same member', () => {
    let record = begun([{ name: 'one', jobs: jobs('a', 'b') }])
    record = finish(record, 'a', { result: { extras: { x: 1 } } })
    record = finish(record, 'b', { result: { extras: { x: 2, y: 1 } } })
    expect(record.extras).toEqual({ x: 2, y: 1 })
    expect(record.events.filter(({ event }) => event === 'request:extras-conflict')).toMatchObject([
      { step: 'one', job: 'b', members: ['x'] },
    ])
  })

  test('fails with a job, after those beside it ended, and begins no further step', () => {
    let record = begun([
      { name: 'one', jobs: jobs('a', 'b') },
      { name: 'two', jobs: jobs('c') },
    ])
    record = finish(record, 'a', failure)
    expect(record.status).toBe('inprogress')
    record = finish(record, 'b')
    expect(record).toMatchObject({ status: 'failed', error: { message: 'broken' }, steps: [{}, { status: 'new' }] })
  })

  test('cancels those beside a failed job where the step says so', () => {
    let record = begun([{ name: 'one', on_failure: 'cancel', jobs: jobs('a', 'b') }])
    record = finish(record, 'a', failure)
    expect(record.steps[0]?.tasks[1]).toMatchObject({ status: 'inprogress', cancelling: true })
    record = finish(record, 'b', { status: 'cancelled' })
    expect(record).toMatchObject({ status: 'failed', error: { message: 'broken' } })
  })

  test('is retried at the failed step, keeping what is done and its history', () => {
    let record = begun([
      { name: 'one', jobs: jobs('a') },
      { name: 'two', jobs: jobs('b', 'c') },
    ])
    record = finish(record, 'a', { result: { extras: { x: 1 } } })
    record = finish(record, 'b', failure)
    record = finish(record, 'c', { result: 5 })
    record = decide(record, { kind: 'retry', appliedAs: null }, NOW)
    expect(running(record)).toEqual([{ step: 1, key: 'b', round: 2 }])
    record = finish(record, 'b')
    expect(record).toMatchObject({ status: 'completed', round: 2, error: null, extras: { x: 1 } })
  })

  test('that is cancelled can be retried once what ran has ended', () => {
    let record = begun([{ name: 'one', jobs: jobs('a') }])
    record = decide(record, { kind: 'cancel', reason: 'enough', appliedAs: null }, NOW)
    expect(record.steps[0]).toMatchObject({ status: 'cancelled' })
    expect(decide(record, { kind: 'retry', appliedAs: null }, NOW)).toBe(record)
    record = finish(record, 'a', { status: 'cancelled' })
    record = decide(record, { kind: 'retry', appliedAs: null }, NOW)
    expect(running(record)).toEqual([{ step: 0, key: 'a', round: 2 }])
    expect(finish(record, 'a')).toMatchObject({ status: 'completed' })
  })

  test('is retried after an undo with the extras that what runs again leaves, not with those of before', () => {
    const undoable = (name: string) => ({ name, type: 'add', compensate: { type: 'add' } })
    let record = begun([
      { name: 'reserve', jobs: [undoable('a')] },
      { name: 'ship', jobs: [undoable('b')] },
      { name: 'bill', jobs: [...jobs('c'), { name: 'd', type: 'add', needs: ['c'] }] },
    ])
    record = finish(record, 'a', { result: { extras: { reservation: 1 } } })
    record = finish(record, 'b', { result: { extras: { shipped: 1 } } })
    record = finish(record, 'c')
    record = finish(record, 'd', failure)
    for (const key of ['b', 'a']) record = finish(record, key)
    record = decide(record, { kind: 'retry', appliedAs: null }, NOW)
    record = finish(record, 'a', { result: { extras: { reservation: 2 } } })
    expect(record.steps[1]?.extras_in).toEqual({ reservation: 2, shipped: 1 })
    record = finish(record, 'b', { result: { extras: { shipped: 2 } } })
    expect(record.steps[2]?.extras_in).toEqual({ reservation: 2, shipped: 2 })
    expect(record.steps[2]?.tasks).toMatchObject([{ key: 'c', status: 'completed' }, { extras_in: { shipped: 2 } }])
    expect(finish(record, 'd')).toMatchObject({ status: 'completed', round: 2 })
  })

  test('that is undone and retried without end stays as large as it was', () => {
    const text = 'x'.repeat(10_000)
    let record = begun(
      [
        { name: 'one', jobs: [{ name: 'a', type: 'add', compensate: { type: 'add' } }] },
        { name: 'two', jobs: jobs('b') },
      ],
      {},
      { text },
    )
    const sizes: number[] = []
    for (let n = 0; n < 250; n++) {
      record = finish(record, 'a', { result: text })
      record = finish(record, 'b', failure)
      expect(record.undo?.[0]?.undoes).toBe(text)
      record = finish(record, 'a', { result: text })
      expect(record.undo?.[0]?.result).toBe(text)
      record = decide(record, { kind: 'retry', appliedAs: null }, NOW)
      expect(record.result_bytes).toBe(0)
      sizes.push(JSON.stringify(record.undone).length)
    }
    expect(record.undone).toHaveLength(200)
    expect(sizes.at(-1)).toBeLessThan(100_000)
  })

  test('cancelled in the middle of an undo leaves nothing that waits', () => {
    const undoable = (name: string) => ({ name, type: 'add', compensate: { type: 'add' } })
    let record = begun([{ name: 'one', jobs: [undoable('a'), undoable('b'), ...jobs('c')] }])
    for (const key of ['a', 'b']) record = finish(record, key)
    record = decide(finish(record, 'c', failure), { kind: 'cancel', reason: 'enough', appliedAs: null }, NOW)
    expect(record.undo?.map(({ status }) => status)).toEqual(['inprogress', 'skipped'])
  })

  test('remembers which calls changed it, the latest twenty', () => {
    let record = begun([{ name: 'one', jobs: jobs('a') }])
    for (let n = 0; n < 12; n++) {
      record = decide(record, { kind: 'cancel', reason: 'enough', appliedAs: `cancel ${n}` }, NOW)
      record = finish(record, 'a', { status: 'cancelled' })
      record = decide(record, { kind: 'retry', appliedAs: `retry ${n}` }, NOW)
    }
    expect(record.asked).toHaveLength(20)
    expect(record.asked.slice(-2)).toEqual(['cancel 11', 'retry 11'])
    const failed = finish(record, 'a', failure)
    expect(decide(failed, { kind: 'retry', appliedAs: 'retry 11' }, NOW)).toBe(failed)
    const refused = decide(record, { kind: 'retry', appliedAs: 'late' }, NOW)
    expect(refused.asked).not.toContain('late')
  })

  test('that cannot be stored as it would be fails as it is', () => {
    const record = begun([{ name: 'one', jobs: jobs('a') }])
    const failed = decide(record, { kind: 'too-large' }, NOW)
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'request-too-large' } })
    expect(failed.steps[0]?.tasks[0]).toMatchObject({ cancelling: true })
  })

  test('keeps results that are small, and of all of them a megabyte', () => {
    const names = Array.from({ length: 100 }, (_, n) => `j${n}`)
    let record = begun([{ name: 'one', jobs: jobs(...names, 'big') }])
    record = finish(record, 'big', { result: { text: 'x'.repeat(20_000), extras: { seen: true } } })
    for (const name of names) record = finish(record, name, { result: 'x'.repeat(15_000) })
    expect(record).toMatchObject({ status: 'completed', extras: { seen: true } })
    const tasks = record.steps[0]?.tasks ?? []
    expect(tasks.find(({ key }) => key === 'big')).toMatchObject({ result: null, result_omitted: true })
    expect(tasks.filter(({ result }) => result !== null)).toHaveLength(69)
    expect(JSON.stringify(record).length).toBeLessThan(1_200_000)
  })

  test('that is cancelled starts nothing more', () => {
    let record = begun([
      { name: 'one', jobs: jobs('a') },
      { name: 'two', jobs: jobs('b') },
    ])
    record = decide(record, { kind: 'cancel', reason: 'enough', appliedAs: null }, NOW)
    expect(record).toMatchObject({ status: 'cancelled', steps: [{ tasks: [{ cancelling: true }] }, {}] })
    record = finish(record, 'a')
    expect(record).toMatchObject({ status: 'cancelled', steps: [{ tasks: [{ status: 'completed' }] }, { tasks: [] }] })
    expect(running(record)).toEqual([])
  })
})

describe('a step', () => {
  test('starts a job when those that it needs are done, with what they left', () => {
    const b = { name: 'b', type: 'add', needs: ['a'] }
    let record = begun([{ name: 'one', jobs: [...jobs('a', 'c'), b] }])
    expect(keysOf(record)).toEqual(['a', 'c'])
    record = finish(record, 'a', { result: { extras: { x: 1 } } })
    expect(keysOf(record)).toEqual(['c', 'b'])
    expect(record.steps[0]?.tasks.find(({ key }) => key === 'b')?.extras_in).toEqual({ x: 1 })
  })

  test('makes a job of each item of an array, none of an empty one, and fails without one', () => {
    const each = (pointer: string) => [{ name: 'one', jobs: [{ name: 'a', type: 'add', foreach: pointer }] }]
    expect(keysOf(begun(each('/params/list'), { list: ['x', 'y'] }))).toEqual(['a[0]', 'a[1]'])
    expect(begun(each('/params/list'), { list: [] })).toMatchObject({ status: 'completed' })
    const many = Array.from({ length: 1_001 }, () => 1)
    expect(begun(each('/params/list'), { list: many })).toMatchObject({
      status: 'failed',
      error: { code: 'too-many-jobs' },
    })
    expect(begun(each('/params/none'))).toMatchObject({ status: 'failed', error: { code: 'not-a-list' } })
  })

  test('that had no array is looked at again by a retry, and never run without an item', () => {
    const record = begun([{ name: 'one', jobs: [{ name: 'a', type: 'add', foreach: '/extras/list' }] }])
    expect(record).toMatchObject({ status: 'failed', round: 1 })
    const again = decide(record, { kind: 'retry', appliedAs: null }, NOW)
    expect(again).toMatchObject({ status: 'failed', round: 2, error: { code: 'not-a-list' } })
  })

  test('and a job are skipped where their condition does not hold', () => {
    const plan = [
      { name: 'one', if: { value: '/params/on' }, jobs: jobs('a') },
      { name: 'two', jobs: [{ name: 'b', type: 'add', if: { value: '/params/kind', equals: 'x', not: true } }] },
    ]
    expect(keysOf(begun(plan, { on: true }))).toEqual(['a'])
    expect(begun(plan, { on: false, kind: 'x' })).toMatchObject({
      status: 'completed',
      steps: [{ status: 'skipped' }, {}],
    })
    expect(keysOf(begun(plan, { kind: 'y' }))).toEqual(['b'])
  })

  test('sleeps until its time', () => {
    const asleep = begun([{ name: 'nap', sleep_ms: 1_000 }])
    expect(decide(asleep, { kind: 'time' }, NOW + 999)).toBe(asleep)
    expect(decide(asleep, { kind: 'time' }, NOW + 1_000)).toMatchObject({ status: 'completed' })
  })

  test('waits for its signal, also for one that comes too early, and takes it once', () => {
    const plan = [
      { name: 'one', jobs: jobs('a') },
      { name: 'wait', signal: 'approved' },
    ]
    const signal = { kind: 'signal', name: 'approved', extras: { by: 'ann' }, appliedAs: null } as const
    const late = decide(finish(begun(plan), 'a'), signal, NOW)
    expect(late).toMatchObject({ status: 'completed', extras: { by: 'ann' } })
    const open = begun(plan)
    expect(decide(open, { ...signal, name: 'aproved' }, NOW)).toBe(open)
    expect(decide(open, { ...signal, extras: { text: 'x'.repeat(70_000) } }, NOW)).toBe(open)
    const early = decide(begun(plan), signal, NOW)
    expect(decide(early, signal, NOW)).toBe(early)
    expect(finish(early, 'a')).toMatchObject({ status: 'completed' })
  })
})

test('after a failure completed jobs are undone, the last first, one after the other', () => {
  const undoable = (name: string) => ({ name, type: 'add', compensate: { type: 'add' } })
  let record = begun([
    { name: 'one', jobs: [undoable('a'), undoable('b')] },
    { name: 'two', jobs: [...jobs('c'), undoable('d')] },
  ])
  record = finish(record, 'a', {}, NOW + 1)
  record = finish(record, 'b', {}, NOW + 2)
  record = finish(record, 'd', {}, NOW + 3)
  record = finish(record, 'c', failure, NOW + 4)
  const order: string[] = []
  while (record.status === 'inprogress') {
    expect(running(record)).toHaveLength(1)
    const [key = ''] = keysOf(record)
    order.push(key)
    record = finish(record, key, order.length === 2 ? failure : {})
  }
  expect(order).toEqual(['d', 'b', 'a'])
  expect(record).toMatchObject({ status: 'failed', error: { message: 'broken' } })
  record = decide(record, { kind: 'retry', appliedAs: null }, NOW)
  expect(keysOf(record)).toEqual(['a'])
  record = finish(record, 'a')
  expect(keysOf(record).toSorted()).toEqual(['c', 'd'])
  expect(record.undone.map(({ key, status, round }) => [key, status, round])).toEqual([
    ['d', 'completed', 1],
    ['b', 'failure', 1],
    ['a', 'completed', 1],
  ])
})

test('attempts and events carry the round of the request in which they were', () => {
  const attempt = { attempt: 1, status: 'failure', started_at: 't', ended_at: 't', error: null } as const
  let record = finish(begun([{ name: 'one', jobs: jobs('a') }]), 'a', { ...failure, attempts: [attempt] })
  record = decide(record, { kind: 'retry', appliedAs: null }, NOW)
  record = finish(record, 'a', { attempts: [{ ...attempt, status: 'completed' }] })
  expect(record.steps[0]?.tasks[0]?.attempts.map(({ round, status }) => [round, status])).toEqual([
    [1, 'failure'],
    [2, 'completed'],
  ])
  const ends = record.events.filter(({ event }) => event === 'request:failed' || event === 'request:finished')
  expect(ends.map(({ round, event }) => [round, event])).toEqual([
    [1, 'request:failed'],
    [2, 'request:finished'],
  ])
  expect(record.events.find(({ event }) => event === 'request:retried')).toMatchObject({ round: 2 })
})

describe('whatever the order in which jobs end, and however often it is told', () => {
  const job = fc.record({ patch: fc.option(fc.dictionary(fc.constantFrom('x', 'y', 'z'), fc.nat(9), { maxKeys: 2 })) })
  const plans = fc.array(fc.array(job, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 })

  test('each job runs once, steps keep their order, and the extras are the patches in the order of the ends', () => {
    fc.assert(
      fc.property(plans, fc.infiniteStream(fc.nat()), (plan, choices) => {
        const steps = plan.map((list, i) => ({ name: `s${i}`, jobs: jobs(...list.map((_, n) => `s${i}-j${n}`)) }))
        let record = begun(steps)
        let expected: unknown = {}
        const told: Input[] = []
        const seen = new Set<string>()
        while (record.status === 'inprogress') {
          const open = running(record)
          expect(new Set(open.map(({ step }) => step)).size).toBe(1)
          const task = open[(choices.next().value ?? 0) % open.length]
          if (task === undefined) throw new Error('it stands still')
          expect(seen.has(task.key)).toBe(false)
          seen.add(task.key)
          const [i = 0, n = 0] = [...task.key.matchAll(/\d+/g)].map(([digits]) => Number(digits))
          const patch = plan[i]?.[n]?.patch ?? null
          const input = ended(task, { result: patch === null ? n : { extras: patch } })
          record = decide(record, input, NOW)
          if (patch !== null) expected = mergePatch(expected, patch)
          told.push(input)
          const again = told[(choices.next().value ?? 0) % told.length]
          if (again !== undefined) expect(decide(record, again, NOW)).toBe(record)
        }
        expect(record).toMatchObject({ status: 'completed', extras: expected })
        expect(seen.size).toBe(plan.flat().length)
      }),
      { numRuns: 300 },
    )
  })
})

test('a member of any name is merged, also one that an assignment would lose', () => {
  const patch = JSON.parse('{"__proto__": {"a": 1}, "constructor": {"b": 2}}') as Json
  const merged = mergePatch(mergePatch({}, patch), JSON.parse('{"__proto__": {"c": 3}}')) as Json
  expect(JSON.stringify(merged)).toBe('{"__proto__":{"a":1,"c":3},"constructor":{"b":2}}')
  expect(Object.getPrototypeOf(merged)).toBe(Object.prototype)
})

test('a request that cannot be carried on fails, says so, and knows the ends of its jobs', () => {
  const record = begun([{ name: 'one', jobs: jobs('a', 'b') }])
  const [a, b] = running(record)
  const broken = decide(record, inputsToBreak([ended(a!, { result: { extras: { x: 1 } } })], 'no such step'), NOW)
  expect(broken).toMatchObject({ status: 'failed', error: { code: 'request-broken' }, extras: {} })
  expect(broken.error?.message).toContain('no such step')
  expect(running(broken)).toEqual([b])
  expect(broken.steps[0]?.tasks[1]?.cancelling).toBe(true)
  expect(decide(broken, { kind: 'broken', message: 'again' }, NOW)).toBe(broken)
})
