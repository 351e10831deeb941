import { expect, test } from 'vitest'
import { Lifecycle } from './lifecycle.ts'

/** A part that records its start and stop. */
const recorder = () => {
  const told: string[] = []
  const thing = (name: string, onStart: () => number = () => 0, onStop: () => unknown = () => undefined) => ({
    start() {
      told.push(`start ${name}`)
      return onStart()
    },
    stop() {
      told.push(`stop ${name}`)
      return onStop()
    },
  })
  return { told, thing }
}

const failing = (why: string) => () => {
  throw new Error(why)
}

test('what began ends in the opposite order, and what must answer until the end ends last', async () => {
  const life = new Lifecycle()
  const { told, thing } = recorder()
  expect(await life.start(thing('door', () => 8080))).toBe(8080)
  life.onEnd(() => told.push('close store'))
  life.onEnd(() => told.push('stop operator routes'))
  await life.start(thing('server'))
  life.onStop(() => told.push('drain'))
  told.length = 0
  await life.stop()
  expect(told).toEqual(['drain', 'stop server', 'stop door', 'stop operator routes', 'close store'])
})

test('each stop waits for the one before', async () => {
  const life = new Lifecycle()
  const { told, thing } = recorder()
  const { promise, resolve } = Promise.withResolvers<void>()
  await life.start(thing('first'))
  await life.start(thing('second', undefined, () => promise))
  const stopped = life.stop()
  await new Promise(setImmediate)
  expect(told).not.toContain('stop first')
  resolve()
  await stopped
  expect(told.at(-1)).toBe('stop first')
})

test('a stop that throws keeps none of the others from stopping, and is told', async () => {
  const life = new Lifecycle()
  const { told, thing } = recorder()
  life.onEnd(() => told.push('close store'))
  await life.start(thing('first'))
  await life.start(thing('second', undefined, failing('the broker is away')))
  await life.start(thing('third'))
  await expect(life.stop()).rejects.toThrow('the broker is away')
  expect(told.slice(-4)).toEqual(['stop third', 'stop second', 'stop first', 'close store'])
})

test('what fails while it starts is stopped as well: it may have done half of its work', async () => {
  const life = new Lifecycle()
  const { told, thing } = recorder()
  await expect(life.start(thing('server', failing('the port is in use')))).rejects.toThrow('the port is in use')
  await life.stop()
  expect(told).toEqual(['start server', 'stop server'])
})

test('a second stop does nothing', async () => {
  const life = new Lifecycle()
  const { told, thing } = recorder()
  await life.start(thing('door'))
  await life.stop()
  await life.stop()
  expect(told).toEqual(['start door', 'stop door'])
})
