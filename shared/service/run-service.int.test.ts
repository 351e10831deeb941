import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startTestNats } from '../../e2e/support/nats.ts'
import type { NatsServer } from '../../scripts/servers/nats.ts'

const WITHIN = { timeout: 20_000 }

let nats: NatsServer
beforeAll(async () => {
  nats = await startTestNats()
})
afterAll(() => nats[Symbol.asyncDispose]())

/** A service that starts as `body` says; the body sees `base`, and `send`, by which it reports to the test. */
const serviceThat = (body: string) => `
  import { commonSettings, parseConfig } from ${JSON.stringify(join(import.meta.dirname, '../process/config.ts'))}
  import { runService } from ${JSON.stringify(join(import.meta.dirname, 'run-service.ts'))}
  const send = (message) => new Promise((resolve) => process.send(message, resolve))
  await runService('api', (env) => parseConfig(commonSettings, env), async (base) => {
    ${body}
    return { port: 0 }
  })
`

function startService(body: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', serviceThat(body)], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, NATS_URL: nats.url, ...env },
  })
  const told: unknown[] = []
  child.on('message', (message) => {
    // What every service tells its supervisor is no part of what this one does.
    if (message !== 'ready') told.push(message)
  })
  const [output, errors] = [child.stdout, child.stderr].map((stream) => (stream === null ? '' : text(stream)))
  // Its last message may come after its exit.
  const ended = Promise.all([once(child, 'exit'), once(child, 'disconnect')]).then(([exit]) => exit)
  return { child, told, ended, output, errors }
}

/** A store, closed after everything else, and a server that stops while the broker is still there. */
const STORE_AND_SERVER = `
  base.life.onEnd(() => send('store closed, broker ' + (base.broker.nc.isClosed() ? 'closed' : 'open')))
  const server = {
    start: () => undefined,
    stop: () => send('server stopped, broker ' + (base.broker.nc.isClosed() ? 'closed' : 'open')),
  }
  await base.life.start(server)
`
/** Once the process listens for signals. */
const TELL_STARTED = "setImmediate(() => send('started'))"
const ALL_ENDED = ['server stopped, broker open', 'store closed, broker closed']

test('a supervisor that goes while the service starts stops it as soon as it has started', async () => {
  const { child, told, ended, output } = startService(`
    await send('starting')
    const { promise, resolve } = Promise.withResolvers()
    process.once('disconnect', resolve)
    await promise
  `)
  await vi.waitFor(() => expect(told).toContain('starting'), WITHIN)
  child.disconnect()
  expect(await ended).toEqual([0, null])
  expect(await output).toContain('the supervisor is gone')
})

test('what keeps a service from starting is logged as LOG_FORMAT says', async () => {
  const failing = "throw new Error('no room')"
  const json = startService(failing, { LOG_FORMAT: 'json' })
  const pretty = startService(failing, { LOG_FORMAT: 'pretty' })
  expect(await Promise.all([json.ended, pretty.ended])).toEqual([
    [1, null],
    [1, null],
  ])
  const lines = String(await json.output)
    .trim()
    .split('\n')
  expect(lines.map((line): unknown => JSON.parse(line))).toContainEqual(
    expect.objectContaining({
      msg: 'could not start',
      err: expect.objectContaining({ message: 'no room' }) as unknown,
    }),
  )
  expect(await pretty.output).toContain('could not start')
  expect(await pretty.output).not.toMatch(/^\{/)
})

test('a start whose last step fails undoes what it began, and ends with exit code 1', async () => {
  const { told, ended } = startService(`${STORE_AND_SERVER}; throw new Error('the port is in use')`)
  expect(await ended).toEqual([1, null])
  expect(told).toEqual(ALL_ENDED)
})

test('a setting that shows itself to be bad while the service starts ends it with exit code 2, undone as well', async () => {
  const { told, ended, errors } = startService(`
    ${STORE_AND_SERVER}
    const { ConfigError } = await import(${JSON.stringify(join(import.meta.dirname, '../process/config.ts'))})
    throw new ConfigError('HANDLERS_DIR: not a folder')
  `)
  expect(await ended).toEqual([2, null])
  expect(await errors).toContain('HANDLERS_DIR: not a folder')
  expect(told).toEqual(ALL_ENDED)
})

test('SIGTERM stops what began, in the opposite order, and a stop that throws is an unclean end of all the rest', async () => {
  const clean = startService(`${STORE_AND_SERVER}; ${TELL_STARTED}`)
  const unclean = startService(`
    ${STORE_AND_SERVER}
    base.life.onStop(() => { throw new Error('cannot') })
    ${TELL_STARTED}
  `)
  for (const { child, told } of [clean, unclean]) {
    await vi.waitFor(() => expect(told).toContain('started'), WITHIN)
    child.kill('SIGTERM')
  }
  expect(await Promise.all([clean.ended, unclean.ended])).toEqual([
    [0, null],
    [1, null],
  ])
  expect(clean.told).toEqual(['started', ...ALL_ENDED])
  expect(unclean.told).toEqual(['started', ...ALL_ENDED])
  expect(await unclean.output).toContain('could not stop cleanly')
})

test('a second signal ends a service at once', async () => {
  const { child, told, ended } = startService(`
    base.life.onStop(async () => { await send('stopping'); await new Promise(() => undefined) })
    ${TELL_STARTED}
  `)
  await vi.waitFor(() => expect(told).toContain('started'), WITHIN)
  child.kill('SIGTERM')
  await vi.waitFor(() => expect(told).toContain('stopping'), WITHIN)
  child.kill('SIGTERM')
  expect(await ended).toEqual([1, null])
})
