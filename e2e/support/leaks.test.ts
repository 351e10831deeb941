import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { openBus } from './bus.ts'
import { leaksSince, openResources } from './leaks.ts'
import { startTestNats } from './nats.ts'

const SOON_MS = 200

test('nothing is left where nothing was begun', async () => {
  expect(await leaksSince(openResources())).toEqual([])
})

test('a child process is told until it has ended', async () => {
  const before = openResources()
  const child = spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  expect(await leaksSince(before, SOON_MS)).toEqual(['a child process that runs (1)'])
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(await leaksSince(before)).toEqual([])
})

test('a port that is listened on is told', async () => {
  const before = openResources()
  const server = createServer().listen(0)
  await once(server, 'listening')
  expect(await leaksSince(before, SOON_MS)).toEqual(['a port that is listened on (1)'])
  server.close()
  expect(await leaksSince(before)).toEqual([])
})

test('timers are told', async () => {
  const before = openResources()
  const timers = Array.from({ length: 10 }, () => setInterval(() => undefined, 60_000))
  expect(await leaksSince(before, SOON_MS)).toEqual([expect.stringContaining('a timer')])
  for (const timer of timers) clearInterval(timer)
  expect(await leaksSince(before)).toEqual([])
})

test('a connection to a broker, with what it consumes, is told', async () => {
  const before = openResources()
  await using nats = await startTestNats()
  const bus = await openBus(nats.url)
  expect(await leaksSince(before, SOON_MS)).toContain('a connection that is open, as one to a broker (1)')
  await bus[Symbol.asyncDispose]()
  await nats.stop()
  expect(await leaksSince(before)).toEqual([])
})
