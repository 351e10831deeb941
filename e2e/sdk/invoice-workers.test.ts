// The workers of examples/workers, as their readers run them.
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findOnPath, runCommand } from '../../scripts/servers/run-command.ts'
import { send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { makeJob, untilJob } from '../support/jobs.ts'
import { makeBuildDir } from './languages.ts'
import { startWorker } from './start-worker.ts'

const root = join(import.meta.dirname, '../..')
const workers = join(root, 'examples/workers')

let hasty: Hasty
let build: Awaited<ReturnType<typeof makeBuildDir>>

beforeAll(async () => {
  build = await makeBuildDir()
  hasty = await startInProcess()
  expect(await send('PUT', `${hasty.url}/v1/types/invoice`, { runner: 'http' })).toMatchObject({ status: 201 })
})
afterAll(async () => {
  await hasty?.stop()
  await build?.[Symbol.asyncDispose]()
})

async function goWorker(): Promise<[string]> {
  const program = join(build.path, 'invoice')
  await runCommand('go', ['build', '-o', program, '.'], { cwd: join(workers, 'go') })
  return [program]
}

describe.each<[string, () => Promise<[string, ...string[]]>, string[]]>([
  ['invoice.py', async () => ['python3', join(workers, 'invoice.py')], ['python3']],
  ['go/main.go', goWorker, ['go']],
  ['invoice.ts', async () => [process.execPath, join(workers, 'invoice.ts')], []],
  ['invoice.sh', async () => ['bash', join(workers, 'invoice.sh')], ['bash', 'curl', 'jq']],
])('%s', (_name, prepare, programs) => {
  const absent = programs.filter((program) => findOnPath(program) === undefined)
  const reason = absent.length === 0 ? '' : ` (not run: no ${absent.join(', no ')} here)`
  test.skipIf(absent.length > 0)(`adds up an invoice, refuses an empty one, and ends with 0${reason}`, async () => {
    const env = { HASTY_URL: hasty.url, PYTHONPATH: join(root, 'sdk/python') }
    await using worker = startWorker(await prepare(), env)
    const items = [
      { text: 'Consulting', count: 8, cents: 12_000 },
      { text: 'Travel', count: 1, cents: 8_950 },
    ]
    const payload = { number: '2026-17', items }
    const jobId = await makeJob(hasty, { type: 'invoice', payload })
    await untilJob(hasty, jobId, { status: 'finished', result: { number: '2026-17', total_cents: 104_950 } })
    const emptyId = await makeJob(hasty, { type: 'invoice', payload: { ...payload, items: [] } })
    const failed = await untilJob(hasty, emptyId, { status: 'failed', reason: 'permanent' })
    expect(failed.error?.message).toBe('invoice 2026-17 has no items')
    worker.kill('SIGTERM')
    expect(await worker.exited()).toBe(0)
  })
})
