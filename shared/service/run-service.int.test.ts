import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

/** A service whose start waits for a message, so that a test decides what happens meanwhile. */
const serviceThat = (onGo: string) => `
  import { runService } from ${JSON.stringify(join(import.meta.dirname, 'run-service.ts'))}
  import { createLogger } from ${JSON.stringify(join(import.meta.dirname, '../process/logger.ts'))}
  await runService(async () => {
    const { promise, resolve } = Promise.withResolvers()
    setTimeout(resolve, 500)
    process.send('starting')
    await promise
    ${onGo}
    const stayAlive = setInterval(() => {}, 1000)
    const log = createLogger({ service: 'test', level: 'info', format: 'json' })
    return { log, service: { stop: async () => clearInterval(stayAlive) } }
  })
`

function startService(code: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: { ...process.env, ...env },
  })
  const output = child.stdout === null ? Promise.resolve('') : text(child.stdout)
  return { child, ended: once(child, 'exit'), output }
}

test('a supervisor that goes while the service starts stops it as soon as it has started', async () => {
  const { child, ended, output } = startService(serviceThat(''))
  await once(child, 'message')
  child.disconnect()
  expect(await ended).toEqual([0, null])
  expect(await output).toContain('the supervisor is gone')
})

test('what keeps a service from starting is logged as LOG_FORMAT says', async () => {
  const failing = serviceThat("throw new Error('no broker')")
  const json = startService(failing, { LOG_FORMAT: 'json' })
  const pretty = startService(failing, { LOG_FORMAT: 'pretty' })
  expect(await Promise.all([json.ended, pretty.ended])).toEqual([
    [1, null],
    [1, null],
  ])
  expect(JSON.parse(await json.output)).toMatchObject({ msg: 'could not start', err: { message: 'no broker' } })
  expect(await pretty.output).toContain('could not start')
  expect(await pretty.output).not.toMatch(/^\{/)
})
