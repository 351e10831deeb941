import { type ClientRequest, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BatchResult } from '#shared/contracts/http/job-batch.ts'
import type { JobStats } from '#shared/contracts/http/job-list.ts'
import { waitUntil } from '../../scripts/servers/wait-until.ts'

/** The type of the jobs that only lie there; the load has another one. */
export const PARKED = 'sleep'
const BATCH = 5_000
const TRY_AGAIN_MS = 200
const HOUR_MS = 3_600_000

/** @throws when the answer is not 2xx */
export async function call<T>(method: string, url: string, body?: unknown): Promise<T> {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text.slice(0, 300)}`)
  return (text === '' ? null : JSON.parse(text)) as T
}

/** Sends so many jobs of the parked type. @returns their ids, when they can be read */
export async function park(url: string, count: number, more: { delay_ms?: number }): Promise<string[]> {
  const ids: string[] = []
  for (let first = 0; first < count; first += BATCH) {
    const jobs = Array.from({ length: Math.min(BATCH, count - first) }, (_, n) => ({
      object_id: `parked-${first + n}`,
      type: PARKED,
      ...more,
    }))
    const { items, failed } = await call<BatchResult>('POST', `${url}/v1/jobs/batch`, jobs)
    if (failed > 0) throw new Error(`${failed} jobs were refused: ${JSON.stringify(items.find(({ error }) => error))}`)
    ids.push(...items.map(({ job }) => job?.job_id ?? ''))
  }
  const known = async () => {
    const { by_type: byType } = await call<JobStats>('GET', `${url}/v1/stats`)
    return Object.values(byType[PARKED] ?? {}).reduce((sum, each) => sum + each, 0)
  }
  await waitUntil(async () => (await known()) >= count, {
    what: 'the last parked job in the store',
    timeoutMs: HOUR_MS,
    everyMs: 250,
  })
  return ids
}

/** Connections that stay open; one that ends, or is refused, is opened again until `close`. */
export class OpenCalls {
  readonly #open = new Set<ClientRequest>()
  /** Answers other than 200, by their status. */
  readonly #refusals = new Map<number, number>()
  #answered = 0
  #isClosed = false

  /** @param headers of every call @param isAnswered whether a call counts as open only once its answer has begun */
  static async open(urls: readonly string[], headers: Record<string, string>, isAnswered: boolean): Promise<OpenCalls> {
    const calls = new OpenCalls()
    for (const url of urls) calls.#start(url, headers)
    const isOpen = () => (isAnswered ? calls.#answered : calls.#open.size) >= urls.length
    await waitUntil(isOpen, { what: `${urls.length} open calls`, timeoutMs: 120_000, everyMs: 100 }).catch(
      (error: unknown) => {
        calls.close()
        throw error
      },
    )
    return calls
  }

  /** Ends all of them. @returns what was refused meanwhile */
  close(): string[] {
    this.#isClosed = true
    for (const request of this.#open) request.destroy()
    return [...this.#refusals].map(([status, count]) => `${count} calls were answered ${status}, and sent again`)
  }

  #start(url: string, headers: Record<string, string>): void {
    const request = get(url, { agent: false, headers })
    this.#open.add(request)
    let isCounted = false
    request.on('response', (response) => {
      const { statusCode = 0 } = response
      isCounted = statusCode === 200
      if (isCounted) this.#answered++
      else this.#refusals.set(statusCode, (this.#refusals.get(statusCode) ?? 0) + 1)
      response.resume()
    })
    request.on('error', () => {})
    request.once('close', () => {
      this.#open.delete(request)
      if (isCounted) this.#answered--
      if (!this.#isClosed) void sleep(TRY_AGAIN_MS).then(() => this.#isClosed || this.#start(url, headers))
    })
  }
}
