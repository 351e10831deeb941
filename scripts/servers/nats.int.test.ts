import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { commandLineOf } from './child.ts'
import { portError } from './free-port.ts'
import { startNatsServer } from './nats.ts'

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
