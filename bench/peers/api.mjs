// The same Koa API for every peer of Node: `POST /` with an object_id is answered 201 and a job_id, `POST /v1/requests`
// 201 and a request_id where the peer has such a thing, once the peer's own call has resolved. The body reader is the
// cheapest there is, and there is no router.
import Koa from 'koa'

const { producer, requests } = await import(`./adapters/${process.env.ADAPTER}.mjs`)
const enqueue = await producer()
const startRequest = await requests?.()
const app = new Koa()

function readJson(request) {
  return new Promise((resolve, reject) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      try {
        resolve(JSON.parse(body))
      } catch (error) {
        reject(error)
      }
    })
    request.on('error', reject)
  })
}

app.use(async (ctx) => {
  const isRequest = startRequest !== undefined && ctx.path === '/v1/requests'
  if (ctx.method !== 'POST' || (ctx.path !== '/' && !isRequest)) {
    ctx.status = 404
    return
  }
  const body = await readJson(ctx.req).catch(() => null)
  if (isRequest) {
    ctx.status = 201
    ctx.body = { request_id: await startRequest({ t: body.t }) }
    return
  }
  if (typeof body?.object_id !== 'string') {
    ctx.status = 400
    ctx.body = { error: 'object_id is required' }
    return
  }
  ctx.status = 201
  ctx.body = { job_id: await enqueue({ object_id: body.object_id, t: body.t }) }
})
app.on('error', (error) => {
  if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') console.error(error)
})
const server = app.listen(Number(process.env.PORT), '127.0.0.1', 511, () => console.log('ready'))
process.on('SIGTERM', () => {
  server.close()
  setTimeout(() => process.exit(0), 50)
})
