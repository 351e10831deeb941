// Requests by the client library and by the command line.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Hasty as Client, HastyError, RequestWaitTimeout } from '../../client/index.ts'
import { runCli } from '../cli/run-cli.ts'
import { gather } from '../client/gather.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { napping, SOON, step } from './request-calls.ts'

let hasty: Hasty
let url: string
let client: Client

beforeAll(async () => {
  hasty = await startInProcess({ jobs: 1, workflows: 1 })
  url = hasty.workflow[0]?.url ?? ''
  client = new Client({ url })
})
afterAll(() => hasty.stop())

const quick = { name: 'quick', steps: [step('one', napping(1, 'a'))] }
const waiting = { name: 'waiting', steps: [{ name: 'wait', signal: 'go' }] }
const failing = { steps: [step('one', [{ name: 'a', type: 'multiply', payload: { numbers: [1e200, 1e200] } }])] }

const file = async (name: string, content: unknown): Promise<string> => {
  const path = join(hasty.dir, name)
  await writeFile(path, JSON.stringify(content))
  return path
}
const cli = (...args: string[]) => runCli(url, args)

test('the client sends a request and waits for its end', async () => {
  const { request_id: id, status } = await client.createRequest(quick)
  expect(status).toBe('inprogress')
  expect(await client.waitRequest(id)).toMatchObject({ request_id: id, status: 'completed' })
  const again = await client.createRequest(quick, { idempotencyKey: 'k' })
  expect((await client.createRequest(quick, { idempotencyKey: 'k' })).request_id).toBe(again.request_id)
})

test('a wait that is over says how the request stood, and a signal lets it go on', async () => {
  const { request_id: id } = await client.createRequest(waiting)
  const error = await client.waitRequest(id, { waitMs: 200 }).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(RequestWaitTimeout)
  expect((error as RequestWaitTimeout).request).toMatchObject({
    request_id: id,
    step: 'wait',
    steps: [{ name: 'wait', signal: 'go' }],
  })
  await client.signalRequest(id, 'go', { extras: { by: 'ann' } })
  expect(await client.waitRequest(id)).toMatchObject({ status: 'completed', extras: { by: 'ann' } })
})

test('a request is cancelled, retried and listed by the client', async () => {
  const { request_id: id } = await client.createRequest(waiting)
  expect(await client.cancelRequest(id, { reason: 'no' })).toMatchObject({ status: 'cancelled' })
  // A repeat whose change is done already succeeds.
  expect(await client.cancelRequest(id)).toMatchObject({ error: { message: 'no' } })
  expect(await client.retryRequest(id)).toMatchObject({ status: 'inprogress', round: 2 })
  const refused = await client.retryRequest(id).catch((thrown: unknown) => thrown)
  expect(refused).toBeInstanceOf(HastyError)
  expect(refused).toMatchObject({ code: 'wrong-state', problem: { request: { request_id: id } } })
  await vi.waitFor(async () => {
    const listed = await gather(client.listRequests({ status: ['inprogress'], limit: 1 }))
    expect(listed.map(({ request_id }) => request_id)).toContain(id)
  }, SOON)
  await client.cancelRequest(id)
})

test('plans are stored and read by the client', async () => {
  expect(await client.putDefinition('by-client', quick.steps)).toMatchObject({ version: 1 })
  expect(await client.putDefinition('by-client', waiting.steps)).toMatchObject({ version: 2 })
  expect(await client.getDefinition('by-client', { version: 1 })).toMatchObject({ steps: [{ name: 'one' }] })
  expect((await client.listDefinitions()).map(({ name }) => name)).toContain('by-client')
  expect(await client.createRequest({ definition: 'by-client' })).toMatchObject({ definition: { version: 2 } })
})

test('the command line sends a request and shows its end', async () => {
  const done = await cli('requests', 'create', await file('quick.json', quick), '--wait', '20s')
  expect(done).toMatchObject({ code: 0, stderr: '' })
  expect(done.stdout).toMatch(/^\w+ is completed\n {2}one: completed\n {4}a: completed {2}\w+\n {2}extras: {}\n$/)
  const failed = await cli('requests', 'create', await file('failing.json', failing), '--wait', '20s', '--json')
  expect(failed.code).toBe(1)
  expect(JSON.parse(failed.stdout)).toMatchObject({ status: 'failed' })
  const fromStdin = await runCli(url, ['requests', 'create', '-'], { stdin: JSON.stringify(quick) })
  expect(fromStdin.stdout).toMatch(/^\w{25}\n$/)
  expect(await cli('requests', 'get', fromStdin.stdout.trim())).toMatchObject({ code: 0 })
})

test('the command line changes the course of a request', async () => {
  const id = (await cli('requests', 'create', await file('waiting.json', waiting))).stdout.trim()
  const late = await cli('requests', 'create', await file('waiting.json', waiting), '--wait', '200ms')
  expect(late).toMatchObject({ code: 124 })
  expect(late.stderr).toContain('hasty requests get')
  expect((await cli('requests', 'cancel', id, '--reason', 'no')).stdout).toBe(`${id} is cancelled\n`)
  expect((await cli('request', 'retry', id)).stdout).toBe(`${id} is inprogress, round 2\n`)
  const refused = await cli('requests', 'retry', id)
  expect(refused.code).toBe(4)
  expect(refused.stderr).toContain(`hasty requests get ${id}`)
  expect((await cli('requests', 'signal', id, 'go', '--extras', '{"by": "me"}')).code).toBe(0)
  await vi.waitFor(async () => {
    const { stdout } = await cli('requests', 'list', '--status', 'completed')
    expect(stdout).toMatch(/^ID +STATUS +ROUND +STEP +CREATED +NAME +NOTE\n/)
    expect(stdout).toMatch(new RegExp(`\\n${id} +completed +2 `))
  }, SOON)
  expect((await cli('requests', 'get', 'nothing')).code).toBe(3)
})

test('a job that was undone and done again is one story, here and over HTTP', async () => {
  const nap = { type: 'sleep', payload: { ms: 1 } }
  const undoable = { name: 'a', ...nap, compensate: nap }
  const broken = { name: 'b', type: 'multiply', payload: { numbers: [1e200, 1e200] } }
  const plan = { steps: [step('one', [undoable]), step('two', [broken])] }
  const { request_id: id } = await client.createRequest(plan)
  expect(await client.waitRequest(id)).toMatchObject({ status: 'failed' })
  expect((await cli('requests', 'get', id)).stdout).toContain('\n    a: completed (undone)  ')
  await client.retryRequest(id)
  const again = await client.waitRequest(id)
  expect(again).toMatchObject({
    round: 2,
    steps: [
      {
        jobs: [
          {
            name: 'a',
            round: 2,
            attempts: [
              { attempt: 1, round: 1 },
              { attempt: 1, round: 2 },
            ],
          },
        ],
      },
      {},
    ],
    undone: [
      { name: 'a', step: 'one', round: 1, attempts: [{ attempt: 1, round: 1 }] },
      { name: 'a', step: 'one', round: 2 },
    ],
  })
  expect(again.events.filter(({ event }) => event === 'request:failed').map(({ round }) => round)).toEqual([1, 2])
  expect((await cli('requests', 'get', id)).stdout).toMatch(
    /\n {4}a: completed in round 2 \(undone in round 1, undone in round 2\) {2}\w+ {2}1 attempt in round 1, 1 in round 2\n/,
  )
})

test('the command line stores and shows plans', async () => {
  const name = 'by-cli'
  expect((await cli('definitions', 'put', name, await file('quick.json', quick))).stdout).toBe(
    `${name} is at version 1\n`,
  )
  expect((await cli('definitions', 'put', name, await file('steps.json', waiting.steps))).stdout).toContain('version 2')
  const first = JSON.parse((await cli('definitions', 'get', name, '--at', '1')).stdout) as unknown
  expect(first).toMatchObject({ steps: [{ name: 'one' }] })
  expect((await cli('definitions', 'list')).stdout).toMatch(/by-cli +2 /)
  expect((await cli('definitions', 'put', name, await file('bad.json', {}))).code).toBe(2)
  expect((await cli('definitions', 'get', 'nothing')).stderr).toContain('hasty definitions list')
})
