import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import { nanoid } from 'nanoid'

// The baseline: the cost of a Koa service that accepts anything and keeps nothing.

const app = new Koa()
app.use((ctx) => {
  ctx.status = 201
  ctx.body = { job_id: nanoid() }
})
const server = app.listen(0, '127.0.0.1', () => {
  process.send?.((server.address() as AddressInfo).port)
})
