import { request } from 'node:http'
import { expect, vi } from 'vitest'
import type { WorkerAttempt, WorkerDetail, WorkerView } from '#shared/contracts/http/workers.ts'
import { getFrom } from '../support/call.ts'
import type { Hasty } from '../support/hasty.ts'

type At = Pick<Hasty, 'url'>

async function readOk(url: string): Promise<unknown> {
  const { status, body } = await getFrom(url)
  expect({ status, body }).toMatchObject({ status: 200 })
  return body
}

export const listWorkers = async (hasty: At, query = ''): Promise<WorkerView[]> =>
  ((await readOk(`${hasty.url}/v1/workers${query}`)) as { items: WorkerView[] }).items

export const readWorker = async (hasty: At, workerId: string): Promise<WorkerDetail> =>
  (await readOk(`${hasty.url}/v1/workers/${workerId}`)) as WorkerDetail

/** All attempts of a worker, page by page. */
export async function readAttempts(hasty: At, workerId: string, limit = 7): Promise<WorkerAttempt[]> {
  const all: WorkerAttempt[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: string = cursor === '' ? '' : `&cursor=${cursor}`
    const body = (await readOk(`${hasty.url}/v1/workers/${workerId}/attempts?limit=${limit}${page}`)) as {
      items: WorkerAttempt[]
      next_cursor: string | null
    }
    expect(body.items.length).toBeLessThanOrEqual(limit)
    all.push(...body.items)
    cursor = body.next_cursor
  }
  return all
}

/** The answer to a path that is sent as it is: fetch would tidy it up. */
export function getRaw(url: string, path: string): Promise<{ status: number | undefined; text: string }> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    request({ hostname, port, path }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() }))
    })
      .on('error', reject)
      .end()
  })
}

/** The worker of a replica, once it has written. */
export const workerOf = (hasty: At, pid: number): Promise<WorkerView> =>
  vi.waitFor(
    async () => {
      const worker = (await listWorkers(hasty)).find((each) => each.pid === pid)
      if (worker === undefined) throw new Error(`no worker has the pid ${pid}`)
      return worker
    },
    { timeout: 20_000, interval: 100 },
  )
