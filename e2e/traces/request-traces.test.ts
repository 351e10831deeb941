// The spans of requests of several steps, whichever replica makes their jobs and whichever ends them.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { untilLike, view } from '../requests/request-calls.ts'
import { send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { startReceiver } from './receiver.ts'
import { type ClientTrace, newTrace, sent, type Tree, untilTree } from './trees.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')

let receiver: Awaited<ReturnType<typeof startReceiver>>
let hasty: Hasty
beforeAll(async () => {
  receiver = await startReceiver()
  hasty = await startInProcess({ workflows: 2, env: { HANDLERS_DIR } })
})
afterAll(async () => {
  await hasty?.stop()
  await receiver?.[Symbol.asyncDispose]()
})

/** Posts under a client's trace. */
async function postTraced(path: string, body: object) {
  const { traceparent, ...client } = newTrace()
  const { status, body: answer } = await send('POST', `${hasty.url}${path}`, body, { traceparent })
  expect(answer).toMatchObject({ request_id: expect.any(String) as string })
  expect([201, 202]).toContain(status)
  return { ...client, requestId: String(answer['request_id']) }
}

const untilTraced = (client: Pick<ClientTrace, 'traceId' | 'spanId'>, tree: Tree) => untilTree(receiver, client, tree)

/** The call comes by way of the api. */
const called = (route: string, tree: Tree): Tree => ({ [route]: { [route]: tree } })

const reserve = {
  name: 'reserve',
  jobs: [
    {
      name: 'hold',
      type: 'add',
      payload: { numbers: [1, 2] },
      compensate: { type: 'multiply', payload: { numbers: [2, 3] } },
    },
  ],
}
const charge = { name: 'charge', jobs: [{ name: 'card', type: 'moody', payload: { bad_attempts: 1 }, attempts: 1 }] }

test('request, steps, jobs and what undoes them are under the call; a retry is a trace of its own, which is linked', async () => {
  const made = await postTraced('/v1/requests', { name: 'order', steps: [reserve, charge] })
  await untilLike(hasty.url, made.requestId, { status: 'failed', trace_id: made.traceId })
  const steps = { 'step reserve': sent('add'), 'step charge': sent('moody'), 'undo reserve': sent('multiply') }
  const spans = await untilTraced(made, called('POST /v1/requests', { 'request order': steps }))
  const named = (wanted: string) => spans.find(({ name }) => name === wanted)
  const request = named('request order')
  expect(request).toMatchObject({ service: 'hasty-workflow', kind: 'internal', isError: true, links: [] })
  const about = {
    'hasty.request_id': made.requestId,
    'hasty.round': 1,
    'hasty.outcome': 'failed',
    'error.type': 'Error',
  }
  expect(request?.attributes).toEqual(about)
  expect(named('step reserve')).toMatchObject({ isError: false, attributes: { 'hasty.outcome': 'completed' } })
  expect(named('step charge')).toMatchObject({ isError: true, attributes: { 'hasty.outcome': 'failed' } })
  expect(named('undo reserve')).toMatchObject({ isError: false })
  expect(named('send moody')?.attributes).toMatchObject({ 'messaging.operation.name': 'send' })
  // Each span is as long as those in it, within the milliseconds that they are rounded to.
  expect(request?.ms).toBeGreaterThanOrEqual((named('step charge')?.ms ?? 0) - 1)
  expect(JSON.stringify(spans)).not.toContain('bad_attempts')

  const retry = await postTraced(`/v1/requests/${made.requestId}/retry`, {})
  await untilLike(hasty.url, made.requestId, { status: 'failed', round: 2, trace_id: retry.traceId })
  const route = 'POST /v1/requests/:request_id/retry'
  const again = await untilTraced(retry, called(route, { 'request order': steps }))
  const second = again.find(({ name }) => name === 'request order')
  expect(second?.links).toEqual([{ traceId: made.traceId, spanId: request?.spanId }])
  expect(second?.attributes).toMatchObject({ 'hasty.round': 2 })
  // The first trace has got nothing more.
  expect(receiver.spans().filter(({ traceId }) => traceId === made.traceId)).toHaveLength(spans.length)
})

test('a child request is under the step that began it', async () => {
  const name = `child-${randomUUID()}`
  const steps = [{ name: 'inner', jobs: [{ name: 'a', type: 'add', payload: { numbers: [1] } }] }]
  expect(await send('PUT', `${hasty.url}/v1/definitions/${name}`, { steps })).toMatchObject({ status: 201 })
  const made = await postTraced('/v1/requests', { steps: [{ name: 'outer', jobs: [{ name: 'c', definition: name }] }] })
  await untilLike(hasty.url, made.requestId, { status: 'completed' })
  const child = { [`request ${name}`]: { 'step inner': sent('add') } }
  await untilTraced(made, called('POST /v1/requests', { request: { 'step outer': child } }))
})

test('a request whose steps are all left out ends with its acceptance, and is told of', async () => {
  const made = await postTraced('/v1/requests', { steps: [{ ...reserve, if: { value: '/params/no' } }] })
  expect(await view(hasty.url, made.requestId)).toMatchObject({ status: 'completed' })
  await untilTraced(made, called('POST /v1/requests', { request: {} }))
})
