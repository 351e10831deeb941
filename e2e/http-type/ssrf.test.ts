import { channel } from 'node:diagnostics_channel'
import type { LookupAddress } from 'node:dns'
import { createServer } from 'node:http'
import { type AddressInfo, isIP, type Socket } from 'node:net'
import type { Context } from 'hasty/handler'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkCallbackUrl } from '#shared/accept/check-callback-url.ts'
import { type CallOutOptions, makeCallOut } from '#shared/outbound/call-out.ts'
import { checkUrl } from '#shared/outbound/check-url.ts'
import { callbackHandler } from '../../services/job/handlers/callback.ts'
import { httpHandler } from '../../services/job/handlers/http.ts'
import { contextVerbs } from '../../services/job/run/run-handler.ts'
import { type CountingSocket, startCountingSocket } from '../support/counting-socket.ts'

import { PRIVATE_ANSWERS, ssrfUrls } from './ssrf-urls.ts'

// The rules for URLs that users give, through the real handlers: nothing may reach a socket of this machine.

const context: Context = {
  ...contextVerbs,
  jobId: 'job',
  objectId: 'object',
  attempt: 1,
  fencingToken: 1,
  traceparent: null,
  createdAt: '2026-11-22T08:00:00.000Z',
  signal: new AbortController().signal,
  log: pino({ level: 'silent' }),
  progress: () => undefined,
  create: () => expect.unreachable(),
}
const blocked: unknown = expect.objectContaining({ name: 'PermanentError', code: 'ssrf-blocked' })

let target: CountingSocket

beforeAll(async () => {
  target = await startCountingSocket()
})

afterAll(() => target[Symbol.asyncDispose]())

function makeHandlers(options: Partial<CallOutOptions> = {}) {
  const ports = new Set([80, 443, 8080, 8443, target.port])
  const callOut = makeCallOut({ trustedHosts: new Set(), ports, ...options })
  const now = () => Date.now()
  const http = httpHandler({ callOut, services: new Map(), timeoutMs: 5_000, callTimeoutMs: 2_000, now })
  const callback = callbackHandler({ callOut, secrets: [Buffer.alloc(32)], now })
  return {
    http: async (url: string) => http.run({ url, method: 'GET' }, context),
    callback: async (url: string) =>
      callback.run({ url, event: 'job:finished', webhook_id: 'msg_1', body: {} }, context),
  }
}

const addressesOf = (texts: string[]): LookupAddress[] => texts.map((address) => ({ address, family: isIP(address) }))

/** The addresses that sockets of this process try to connect to while `work` runs. */
async function connectsDuring(work: () => Promise<unknown>): Promise<string[]> {
  const tried: string[] = []
  const onSocket = (message: unknown) => {
    const { socket } = message as { socket: Socket }
    socket.on('connectionAttempt', (ip: string) => tried.push(ip))
  }
  channel('net.client.socket').subscribe(onSocket)
  await work().catch(() => undefined)
  channel('net.client.socket').unsubscribe(onSocket)
  return tried
}

test('the counting socket counts: a trusted target is reached', async () => {
  await using other = await startCountingSocket()
  const trustedHosts = new Set([`127.0.0.1:${other.port}`])
  const answer = await makeHandlers({ trustedHosts }).http(`http://127.0.0.1:${other.port}/`)
  expect(answer).toMatchObject({ status: 200, body: 'secret' })
  expect(other.bytes).toBeGreaterThan(0)
})

describe('of the corpus', () => {
  test('there are at least 60 URLs, each once', () => {
    const urls = ssrfUrls(1)
    expect(urls.length).toBeGreaterThanOrEqual(60)
    expect(new Set(urls).size).toBe(urls.length)
  })

  test('every URL is refused when it is given, and by both handlers with 0 bytes sent', async () => {
    const handlers = makeHandlers()
    const rules = { trustedHosts: new Set<string>(), ports: new Set([80, 443, 8080, 8443, target.port]) }
    for (const url of ssrfUrls(target.port)) {
      expect(() => checkUrl(url, rules), url).toThrow(expect.objectContaining({ code: 'ssrf-blocked' }))
      const refuse = () => checkCallbackUrl(url, { enabled: true, trustedHosts: new Set() })
      expect(refuse, url).toThrow(expect.objectContaining({ code: 'callback-forbidden', status: 400 }))
      await expect(handlers.http(url), url).rejects.toEqual(blocked)
      await expect(handlers.callback(url), url).rejects.toEqual(blocked)
    }
    expect(target).toMatchObject({ connections: 0, bytes: 0 })
  })
})

describe('a name', () => {
  test.each(PRIVATE_ANSWERS.map((answer) => [answer.join(' and ') || 'nothing', answer]))(
    'that resolves to %s is refused with 0 bytes sent',
    async (_, answer) => {
      const { http, callback } = makeHandlers({ resolve: async () => addressesOf(answer) })
      const url = `http://www.example.com:${target.port}/`
      const tried = await connectsDuring(async () => {
        await expect(http(url)).rejects.toEqual(blocked)
        await expect(callback(url)).rejects.toEqual(blocked)
      })
      expect(tried).toEqual([])
      expect(target).toMatchObject({ connections: 0, bytes: 0 })
    },
  )

  test('that rebinds gets no second look between check and connect', async () => {
    // An unassigned address, so nothing answers there.
    const nowhere = '2000::1'
    const answers = [[nowhere], ['127.0.0.1']]
    let asked = 0
    const resolve = async () => addressesOf(answers[Math.min(asked++, 1)] ?? [])
    const { http } = makeHandlers({ resolve })
    const url = `http://rebind.example.com:${target.port}/`
    expect(await connectsDuring(() => http(url))).toEqual([nowhere])
    expect(asked).toBe(1)
    expect(await connectsDuring(() => expect(http(url)).rejects.toEqual(blocked))).toEqual([])
    expect(asked).toBe(2)
    expect(target).toMatchObject({ connections: 0, bytes: 0 })
  })
})

test('a redirect to a private address is not followed', async () => {
  const server = createServer((_, response) => {
    response.writeHead(302, { location: `http://127.0.0.1:${target.port}/` }).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const { http } = makeHandlers({ trustedHosts: new Set([`127.0.0.1:${port}`]) })
  await expect(http(`http://127.0.0.1:${port}/`)).rejects.toEqual(
    expect.objectContaining({ name: 'HttpError', code: 'http-302' }),
  )
  server.close()
  expect(target).toMatchObject({ connections: 0, bytes: 0 })
})
