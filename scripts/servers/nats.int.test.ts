import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { commandLineOf } from './child.ts'
import { freePort, portError } from './free-port.ts'
import { natsEnv, startNatsServer } from './nats.ts'

async function makeFolder() {
  const path = await mkdtemp(join(tmpdir(), 'hasty-nats-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

function greeting(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', reject)
    socket.once('data', (chunk) => {
      socket.destroy()
      resolve(chunk.toString())
    })
  })
}

async function coresOfNats(): Promise<unknown> {
  await using folder = await makeFolder()
  const monitorPort = await freePort()
  await using _nats = await startNatsServer({ dir: folder.path, monitorPort })
  const response = await fetch(`http://127.0.0.1:${monitorPort}/varz`)
  return ((await response.json()) as { gomaxprocs: number }).gomaxprocs
}

test('nats-server runs on half of the cores, or on as many as GOMAXPROCS says', async () => {
  vi.stubEnv('GOMAXPROCS', undefined)
  expect(await coresOfNats()).toBe(Math.max(1, Math.floor(availableParallelism() / 2)))
  vi.stubEnv('GOMAXPROCS', '3')
  expect(await coresOfNats()).toBe(3)
})

test('the garbage of nats-server is at most half of what it uses, or what GOGC says', () => {
  vi.stubEnv('GOGC', undefined)
  expect(natsEnv()).toMatchObject({ GOGC: '50' })
  vi.stubEnv('GOGC', '200')
  expect(natsEnv()).toMatchObject({ GOGC: '200' })
})

test('a killed nats-server comes back on its port, with JetStream', async () => {
  await using folder = await makeFolder()
  await using nats = await startNatsServer({ dir: folder.path })
  const { pid } = nats
  await nats.kill('SIGKILL')
  expect(await portError(nats.port)).toBeUndefined()
  await nats.restart()
  expect(nats.pid).not.toBe(pid)
  expect(await greeting(nats.port)).toContain('"jetstream":true')
})

test('a frozen nats-server can be stopped', async () => {
  await using folder = await makeFolder()
  await using nats = await startNatsServer({ dir: folder.path })
  await nats.kill('SIGSTOP')
  await nats.stop()
  expect(commandLineOf(nats.pid)).toBeUndefined()
})

test('one left over on the same folder is ended before the next one starts', async () => {
  await using folder = await makeFolder()
  await using left = await startNatsServer({ dir: folder.path })
  await using next = await startNatsServer({ dir: folder.path })
  expect(await left.exited).toMatchObject({ code: 0 })
  expect(await greeting(next.port)).toContain('INFO')
})
