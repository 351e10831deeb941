import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import Koa from 'koa'
import { expect, test, vi } from 'vitest'
import { sleep } from '#shared/time/clock.ts'
import { HttpServer } from './server.ts'

test('a stopping server refuses connections for as long as its proxy needs to see one refused', async () => {
  const STOP_LINGER_MS = 300
  const app = new Koa()
  app.use((ctx) => {
    ctx.body = 'here'
  })
  const server = new HttpServer(app, { HOST: '127.0.0.1', PORT: 0, REUSE_PORT: false, STOP_LINGER_MS })
  const url = `http://127.0.0.1:${await server.start()}/`
  expect(await (await fetch(url)).text()).toBe('here')
  const startedMs = performance.now()
  const stopped = server.stop().then(() => performance.now() - startedMs)
  await expect(fetch(url)).rejects.toThrow()
  expect(performance.now() - startedMs).toBeLessThan(STOP_LINGER_MS)
  expect(await stopped).toBeGreaterThanOrEqual(STOP_LINGER_MS - 1)
})

const ARRIVAL_MS = 500
const settings = { HOST: '127.0.0.1', PORT: 0, REUSE_PORT: false, STOP_LINGER_MS: 0 }

/** A server that answers complete requests, after `answerMs`. */
async function startServer(answerMs = 0) {
  const app = new Koa()
  app.silent = true
  const whole: string[] = []
  app.use(async (ctx) => {
    await text(ctx.req)
    whole.push(ctx.url)
    await sleep(answerMs)
    ctx.body = 'here'
  })
  const server = new HttpServer(app, settings, ARRIVAL_MS)
  const port = await server.start()
  return {
    server,
    /** Bodies that have arrived whole. */
    whole,
    open: async (sent: string): Promise<Socket> => {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      if (sent !== '') socket.write(sent)
      return socket
    },
  }
}

test.each([
  ['nothing was sent', ''],
  ['a header does not end', 'POST / HTTP/1.1\r\nHost: a\r\nX-Slow: '],
  ['a body does not end', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n{'],
])('a connection on which %s does not keep a server from stopping', async (_what, sent) => {
  const { server, open } = await startServer()
  const socket = await open(sent)
  socket.on('error', () => undefined)
  const closed = once(socket, 'close')
  await server.stop()
  await closed
})

test('what has arrived whole is answered by a server that stops, however long it takes', async () => {
  const { server, whole, open } = await startServer(3 * ARRIVAL_MS)
  const socket = await open('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const answer = text(socket)
  await vi.waitFor(() => expect(whole).toEqual(['/']))
  await server.stop()
  expect(await answer).toMatch(/^HTTP\/1.1 200 OK[^]*here$/)
})
