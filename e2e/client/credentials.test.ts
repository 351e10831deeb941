import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test, vi } from 'vitest'
import { Hasty as Client, clientCredentials } from '../../client/index.ts'

interface TokenServerOptions {
  lifeS: number
  /** Status of the nth request for a token, from 0 on. */
  statusOf?: (n: number) => number
}

/**
 * A server that issues `token-1`, `token-2` and so on, and answers every other request with the token that it carried.
 */
async function startTokenServer({ lifeS, statusOf = () => 200 }: TokenServerOptions) {
  const asked: string[] = []
  const server = createServer(async (request, response) => {
    response.setHeader('content-type', 'application/json')
    if (request.url !== '/token') {
      response.end(JSON.stringify({ seen: request.headers.authorization }))
      return
    }
    let form = ''
    for await (const chunk of request) form += String(chunk)
    const status = statusOf(asked.length)
    asked.push(`${request.headers.authorization} ${request.headers['content-type']?.split(';')[0]} ${form}`)
    const token = { access_token: `token-${asked.length}`, token_type: 'Bearer', expires_in: lifeS, scope: 'jobs:read' }
    const refusal = { code: status === 401 ? 'invalid-client' : 'unavailable', detail: 'no', status }
    response.writeHead(status).end(JSON.stringify(status === 200 ? token : refusal))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const token = clientCredentials({ url, clientId: 'billing', clientSecret: 's:ä', retryForMs: 500 })
  const client = new Client({ url, token })
  return {
    asked,
    /** The token that a request carried. */
    seen: async () => ((await client.stats()) as unknown as { seen: string }).seen,
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

test('one token is fetched for many requests at once, and kept', async () => {
  await using server = await startTokenServer({ lifeS: 900 })
  const seen = await Promise.all(Array.from({ length: 20 }, () => server.seen()))
  expect(new Set([...seen, await server.seen()])).toEqual(new Set(['Bearer token-1']))
  const basic = Buffer.from('billing:s%3A%C3%A4').toString('base64')
  expect(server.asked).toEqual([`Basic ${basic} application/x-www-form-urlencoded grant_type=client_credentials`])
})

test('a token is renewed before it is over', async () => {
  await using server = await startTokenServer({ lifeS: 3 })
  expect(await server.seen()).toBe('Bearer token-1')
  const firstMs = performance.now()
  await vi.waitFor(async () => expect(await server.seen()).toBe('Bearer token-2'), { timeout: 10_000, interval: 10 })
  expect(performance.now() - firstMs).toBeLessThan(3_000)
})

test('while no other can be had, a token is used to its end, and then the error is told', async () => {
  await using server = await startTokenServer({ lifeS: 2, statusOf: (n) => (n === 0 ? 200 : 401) })
  expect(await server.seen()).toBe('Bearer token-1')
  await vi.waitFor(() => server.seen().then(() => expect(server.asked.length).toBeGreaterThan(1)), { timeout: 5_000 })
  expect(await server.seen()).toBe('Bearer token-1')
  const told = async () => expect(await server.seen().catch((error: unknown) => error)).toHaveProperty('code')
  await vi.waitFor(told, { timeout: 5_000 })
})

test('a server that is away for a moment is asked again; one that refuses is not', async () => {
  await using away = await startTokenServer({ lifeS: 900, statusOf: (n) => (n === 0 ? 503 : 200) })
  expect(await away.seen()).toBe('Bearer token-2')
  await using strict = await startTokenServer({ lifeS: 900, statusOf: () => 401 })
  await expect(strict.seen()).rejects.toMatchObject({ name: 'HastyError', code: 'invalid-client', status: 401 })
  expect(strict.asked).toHaveLength(1)
})

test('a signal ends the wait for a token', async () => {
  const url = 'http://127.0.0.1:9'
  const token = clientCredentials({ url, clientId: 'a', clientSecret: 'b' })
  const aborter = new AbortController()
  const asking = new Client({ url, token }).stats({ signal: aborter.signal })
  aborter.abort(new Error('enough'))
  await expect(asking).rejects.toThrow('enough')
})
