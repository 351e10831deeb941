import { expect, vi } from 'vitest'
import type { RequestView } from '#shared/contracts/http/requests.ts'
import { type ApiAnswer, getFrom, postTo, send } from '../support/call.ts'

export const SOON = { timeout: 20_000, interval: 25 }

export const requestsAt = (url: string, id = '', verb = ''): string =>
  `${url}/v1/requests${id === '' ? '' : `/${id}`}${verb}`

/** @returns the id of what was accepted */
export async function make(url: string, body: Record<string, unknown>): Promise<string> {
  const { status, body: made } = await postTo(requestsAt(url), body)
  expect(made).toMatchObject({ status: expect.any(String) as string })
  expect(status).toBe(201)
  return made['request_id'] as string
}

export async function view(url: string, id: string): Promise<RequestView> {
  const { status, body } = await getFrom(requestsAt(url, id))
  expect(status).toBe(200)
  return body as unknown as RequestView
}

/** Waits until the request looks like this. */
export const untilLike = (url: string, id: string, looks: Record<string, unknown>): Promise<RequestView> =>
  vi.waitFor(async () => {
    const seen = await view(url, id)
    expect(seen).toMatchObject(looks)
    return seen
  }, SOON)

/** Makes a request, and waits for its end. */
export async function run(url: string, body: Record<string, unknown>): Promise<RequestView> {
  const id = await make(url, body)
  return vi.waitFor(async () => {
    const seen = await view(url, id)
    expect(seen.finished_at).not.toBeNull()
    return seen
  }, SOON)
}

export const post = (url: string, id: string, verb: string, body?: unknown): Promise<ApiAnswer> =>
  send('POST', requestsAt(url, id, verb), body)

/** Jobs of a type that does nothing for so long. */
export const napping = (ms: number, ...names: string[]) =>
  names.map((name) => ({ name, type: 'sleep', payload: { ms } }))
export const step = <Job>(name: string, jobs: Job[]) => ({ name, jobs })
