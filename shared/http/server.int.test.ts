import Koa from 'koa'
import { expect, test } from 'vitest'
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
