// A request that is lost on its way, and one whose answer is lost: the caller sees the same. The repeat finds out.
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Hasty as Client } from '../../client/index.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')
const HOUR_MS = 3_600_000
const SOON = { timeout: 20_000, interval: 25 }

let hasty: Hasty
let client: Client
beforeAll(async () => {
  hasty = await startInProcess({ apis: 2, jobs: 1, workflows: 2, nginx: true, env: { HANDLERS_DIR } })
  client = new Client({ url: hasty.url })
})
afterAll(() => hasty.stop())

/** A client whose first POST loses its request or its answer; `meanwhile` runs before the repeat. */
function losing(what: 'request' | 'answer', meanwhile: () => Promise<unknown> = async () => undefined): Client {
  let isFirst = true
  return new Client({
    url: hasty.url,
    fetch: async (input, init) => {
      if (init?.method !== 'POST' || !isFirst) return fetch(input, init)
      isFirst = false
      if (what === 'answer') await (await fetch(input, init)).text()
      await meanwhile()
      throw new TypeError('fetch failed')
    },
  })
}

const failedJob = async (payload: Record<string, unknown>): Promise<string> => {
  const { job_id: id } = await client.create('moody', payload)
  await client.wait(id)
  return id
}
const waitingRequest = async (): Promise<string> => {
  const { request_id: id } = await client.createRequest({ steps: [{ name: 'wait', signal: 'go' }] })
  await vi.waitFor(async () => expect(await client.getRequest(id)).toMatchObject({ status: 'inprogress' }), SOON)
  return id
}
const refusal = { status: 409, code: 'wrong-state' }

describe('when the answer is lost, the repeat is answered as the first try was', () => {
  test('a retry whose job has finished since', async () => {
    const id = await failedJob({ bad_attempts: 1 })
    const retried = losing('answer', () => client.wait(id)).retry(id)
    expect(await retried).toMatchObject({ status: 'finished', round: 2 })
  })

  test('a retry whose job has failed once more since starts no third round', async () => {
    const id = await failedJob({ bad_attempts: 2 })
    const retried = losing('answer', () => client.wait(id)).retry(id)
    expect(await retried).toMatchObject({ status: 'failed', round: 2 })
    expect(await client.retry(id)).toMatchObject({ round: 3 })
  })

  test('a cancel whose job was retried since leaves the next round alone', async () => {
    const { job_id: id } = await client.create('moody', {}, { delayMs: HOUR_MS })
    const cancelled = losing('answer', () => client.retry(id, { delayMs: HOUR_MS })).cancel(id)
    expect(await cancelled).toMatchObject({ status: 'scheduled', round: 2 })
  })

  test('a signal whose request has completed since', async () => {
    const id = await waitingRequest()
    const signalled = losing('answer', () => client.waitRequest(id)).signalRequest(id, 'go', { extras: { by: 'ann' } })
    expect(await signalled).toMatchObject({ status: 'completed', extras: { by: 'ann' } })
  })

  test('a retry of a request that was cancelled again since', async () => {
    const id = await waitingRequest()
    await client.cancelRequest(id)
    const retried = losing('answer', () => client.cancelRequest(id)).retryRequest(id)
    expect(await retried).toMatchObject({ status: 'cancelled', round: 2 })
  })
})

describe("when the request is lost, what others did is not taken for one's own", () => {
  test('a retry of a job that somebody else has retried since', async () => {
    const id = await failedJob({ bad_attempts: 1 })
    const others = () => client.retry(id).then(() => client.wait(id))
    await expect(losing('request', others).retry(id)).rejects.toMatchObject(refusal)
  })

  test('a signal to a request that somebody has cancelled since', async () => {
    const id = await waitingRequest()
    const signalled = losing('request', () => client.cancelRequest(id)).signalRequest(id, 'go')
    await expect(signalled).rejects.toMatchObject(refusal)
  })

  test('a retry of a request that somebody else has retried to its end since', async () => {
    const id = await waitingRequest()
    await client.cancelRequest(id)
    const others = async () => {
      await client.retryRequest(id)
      await client.signalRequest(id, 'go')
      await client.waitRequest(id)
    }
    await expect(losing('request', others).retryRequest(id)).rejects.toMatchObject(refusal)
  })

  test('what nobody did meanwhile is done by the repeat', async () => {
    const id = await failedJob({ bad_attempts: 1 })
    expect(await losing('request').retry(id)).toMatchObject({ round: 2 })
    const requestId = await waitingRequest()
    expect(await losing('request').signalRequest(requestId, 'go')).toMatchObject({ request_id: requestId })
  })
})
