import type { LookupAddress } from 'node:dns'
import { createServer, type Server } from 'node:http'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createLogger } from '#shared/process/logger.ts'
import { freePort } from '../../../scripts/servers/free-port.ts'
import { createForwarder, type ForwarderOptions } from './forwarder.ts'

// Plain servers take the place of job services, and answer with their name or not at all.

const FASTER = 20
const servers: Server[] = []
const log = createLogger({ service: 'test', level: 'fatal', format: 'json' })

beforeEach(() => {
  const inTime = AbortSignal.timeout.bind(AbortSignal)
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => inTime(ms / FASTER))
})
afterEach(() => {
  vi.restoreAllMocks()
  for (const server of servers.splice(0)) server.close().closeAllConnections()
})

/** @param says null: the server accepts requests and answers none */
async function startServer(says: string | null, port: number, host = '127.0.0.1') {
  let asked = 0
  const server = createServer((_request, response) => {
    asked += 1
    if (says !== null) response.end(says)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(port, host, resolve))
  return {
    url: `http://${host}:${port}`,
    get asked() {
      return asked
    },
    stop: () => server.close().closeAllConnections(),
  }
}

const v4 = (...addresses: string[]): LookupAddress[] => addresses.map((address) => ({ address, family: 4 }))
const away = { code: 'unavailable', status: 503 }

const forwarderTo = (options: Pick<ForwarderOptions, 'urls' | 'resolve'>) =>
  createForwarder({ service: 'job service', unknown: '', tryWithinMs: 5_000, log, ...options })

async function answerOf(forward: ReturnType<typeof createForwarder>): Promise<string> {
  return (await forward({ method: 'GET', target: '/v1/workers', headers: {} })).body
}

test('a name stands for all its addresses: the dead one is passed over, and whoever answered is asked first', async () => {
  const port = await freePort()
  const living = await startServer('living', port, '127.0.0.1')
  const resolve = vi.fn(async () => Promise.resolve(v4('127.0.0.2', '127.0.0.1')))
  const forward = forwarderTo({ urls: [`http://job:${port}`], resolve })
  expect(await answerOf(forward)).toBe('living')
  expect(resolve).toHaveBeenCalledWith('job')

  await startServer('back again', port, '127.0.0.2')
  expect(await answerOf(forward)).toBe('living')
  living.stop()
  expect(await answerOf(forward)).toBe('back again')
  await startServer('living', port, '127.0.0.1')
  expect(await answerOf(forward)).toBe('back again')
})

test('a name is asked for each request: replicas come and go', async () => {
  const port = await freePort()
  await startServer('new', port)
  let addresses = v4('127.0.0.2')
  const resolve = async () => Promise.resolve(addresses)
  const forward = forwarderTo({ urls: [`http://job:${port}`], resolve })
  await expect(answerOf(forward)).rejects.toMatchObject(away)
  addresses = v4('127.0.0.1')
  expect(await answerOf(forward)).toBe('new')
})

test('an address of IPv6 is asked by its brackets', async () => {
  const resolve = vi.fn(async () => Promise.resolve([{ address: '::1', family: 6 }]))
  const forward = forwarderTo({ urls: [`http://[::1]:${await freePort()}`], resolve })
  await expect(answerOf(forward)).rejects.toMatchObject({
    ...away,
    cause: { cause: { message: expect.stringContaining('::1') as string } },
  })
  expect(resolve).toHaveBeenCalledWith('::1')
})

test('a name that has no address, or none in time, is as good as a dead replica', async () => {
  const { url } = await startServer('living', await freePort())
  const resolve = async (host: string): Promise<LookupAddress[]> => {
    if (host === 'unknown') throw new Error('ENOTFOUND')
    return host === 'slow' ? new Promise(() => undefined) : v4(host)
  }
  const unknown = ['http://unknown:8081', 'http://slow:8081']
  expect(await answerOf(forwarderTo({ urls: [...unknown, url], resolve }))).toBe('living')
  await expect(answerOf(forwarderTo({ urls: unknown, resolve }))).rejects.toMatchObject({
    ...away,
    cause: expect.any(Error) as Error,
  })
})

test('who is silent for 5 s is left for another', async () => {
  const silent = await startServer(null, await freePort())
  const living = await startServer('living', await freePort())
  const forward = forwarderTo({ urls: [silent.url, living.url] })
  expect(await answerOf(forward)).toBe('living')
  expect(await answerOf(forward)).toBe('living')
  expect([silent.asked, living.asked]).toEqual([1, 2])
})

test('after 15 s the caller is told that nobody answers, however many could still be asked', async () => {
  const silent = await Promise.all(Array.from({ length: 5 }, async () => startServer(null, await freePort())))
  const startedMs = performance.now()
  const forward = forwarderTo({ urls: silent.map(({ url }) => url) })
  await expect(answerOf(forward)).rejects.toMatchObject(away)
  expect((performance.now() - startedMs) * FASTER).toBeLessThan(20_000)
  expect(silent.map(({ asked }) => asked)).toEqual([1, 1, 1, 0, 0])
})
