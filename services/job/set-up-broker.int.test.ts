import { expect, test } from 'vitest'
import { connectBroker } from '#shared/bus/connection.ts'
import { listLanes } from '#shared/bus/lanes/lanes.ts'
import { systemClock } from '#shared/time/clock.ts'
import { silentLog } from '../../e2e/support/bus.ts'
import { startTestNats } from '../../e2e/support/nats.ts'
import { readJobConfig } from './config.ts'
import { setUpBroker } from './set-up-broker.ts'

test('a built-in type that is switched off keeps its lanes, but nobody may create jobs of it until it is back', async () => {
  await using nats = await startTestNats()
  const broker = await connectBroker({ url: nats.url, name: 'test', clock: systemClock, log: silentLog })
  const setUp = (types: string) => setUpBroker(readJobConfig({ NATS_URL: nats.url, BUILT_IN_TYPES: types }), silentLog)
  const openTypes = async () =>
    [
      ...new Set((await listLanes(broker)).filter(({ info }) => !info.policy.internal).map(({ type }) => type)),
    ].toSorted()
  try {
    await setUp('')
    expect(await openTypes()).toEqual(['add', 'http', 'multiply', 'sleep', 'task'])
    const before = (await listLanes(broker)).map(({ name }) => name).toSorted()
    await setUp('add, http')
    expect(await openTypes()).toEqual(['add', 'http'])
    expect((await listLanes(broker)).map(({ name }) => name).toSorted()).toEqual(before)
    await setUp('none')
    expect(await openTypes()).toEqual([])
    await setUp('add,http,multiply,sleep,task')
    expect(await openTypes()).toEqual(['add', 'http', 'multiply', 'sleep', 'task'])
  } finally {
    await broker.close()
  }
})

test('a type that is not built in cannot be chosen', () => {
  expect(() => readJobConfig({ BUILT_IN_TYPES: 'add,callback' })).toThrow(
    'BUILT_IN_TYPES: expected none, or some of sleep,add,multiply,task,http',
  )
})
