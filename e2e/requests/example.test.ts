// The worked example of docs/how-to/requests.md, as its reader runs it.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { RequestView } from '#shared/contracts/http/requests.ts'
import { startChild } from '../../scripts/servers/child.ts'
import { freePort } from '../../scripts/servers/free-port.ts'
import { runCli } from '../cli/run-cli.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'

const examples = join(import.meta.dirname, '../../examples')
const undo = new AsyncDisposableStack()
let hasty: Hasty
let url: string

beforeAll(async () => {
  const port = await freePort()
  hasty = undo.use(await startInProcess({ jobs: 1, workflows: 1, env: { URL_SERVICE1: `http://127.0.0.1:${port}` } }))
  url = hasty.workflow[0]?.url ?? ''
  const logFile = join(hasty.dir, 'service.log')
  const service = await startChild(process.execPath, [join(examples, 'service-for-requests.ts')], {
    env: { ...process.env, PORT: String(port) },
    logFile,
    lifeline: true,
  })
  undo.defer(async () => void (await service.stop()))
  await vi.waitFor(async () => expect(await readFile(logFile, 'utf8')).toContain('listening'), 10_000)
})
afterAll(() => undo.disposeAsync())

const order = async (): Promise<{ params: Record<string, unknown> }> =>
  JSON.parse(await readFile(join(examples, 'order.json'), 'utf8')) as { params: Record<string, unknown> }

test('an order goes through', async () => {
  const { code, stdout } = await runCli(url, [
    'requests',
    'create',
    join(examples, 'order.json'),
    '--wait',
    '20s',
    '--json',
  ])
  expect(code).toBe(0)
  const request = JSON.parse(stdout) as RequestView
  expect(request.steps.map(({ jobs }) => jobs.map(({ name }) => name))).toEqual([
    ['reserve', 'charge'],
    ['pack[0]', 'pack[1]', 'label'],
    [],
  ])
  const { reservation, payment } = request.extras
  expect(request.extras).toEqual({ reservation, payment, label: `order 42, ${String(payment)}` })
  expect(reservation).toMatch(/^r-\w{6}$/)
  expect(request.steps[1]?.jobs[1]?.result).toEqual({ result: 'packed lamp' })
})

test('an order that costs too much is undone', async () => {
  const file = join(hasty.dir, 'dear.json')
  const body = await order()
  await writeFile(file, JSON.stringify({ ...body, params: { ...body.params, amount: 5_000 } }))
  const { code, stdout } = await runCli(url, ['requests', 'create', file, '--wait', '20s', '--json'])
  expect(code).toBe(1)
  expect(JSON.parse(stdout)).toMatchObject({
    status: 'failed',
    error: { message: 'The card was declined.' },
    extras: {},
    steps: [{ status: 'failed' }, { status: 'new' }, { status: 'new' }],
    undone: [{ name: 'reserve', status: 'completed' }],
  })
})
