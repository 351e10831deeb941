import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import { Hasty as Client } from '../../client/index.ts'
import { startInProcess } from '../support/hasty.ts'

/** A connection between client and server that can be cut. */
async function startRelay(target: string) {
  const { port, hostname } = new URL(target)
  const sockets = new Set<Socket>()
  let isCut = false
  const server = createServer((near) => {
    if (isCut) {
      near.destroy()
      return
    }
    const far = connect(Number(port), hostname)
    near.pipe(far).pipe(near)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    isCut = true
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    mend: () => {
      isCut = false
    },
    [Symbol.asyncDispose]: async () => {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A `fetch` that remembers the text that has reached the client. */
function rememberingFetch() {
  let received = ''
  const decoder = new TextDecoder()
  const remembering: typeof fetch = async (...given) => {
    const response = await fetch(...given)
    const remember = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => {
        received += decoder.decode(chunk, { stream: true })
        controller.enqueue(chunk)
      },
    })
    return new Response(response.body?.pipeThrough(remember), response)
  }
  return { fetch: remembering, received: () => received }
}

test('what happens while a reader who has seen no event yet is cut off is told when it is back', async () => {
  await using hasty = await startInProcess()
  await using relay = await startRelay(hasty.url)
  const leaving = new AbortController()
  const seen: string[] = []
  const { fetch, received } = rememberingFetch()
  const reading = (async () => {
    for await (const event of new Client({ url: relay.url, fetch }).allEvents({ signal: leaving.signal }))
      seen.push('job_id' in event ? event.job_id : event.event)
  })().catch(() => undefined)
  // Wait for the position, not only the headers: a reader that is cut off before it cannot resume.
  await expect.poll(received, { timeout: 20_000 }).toMatch(/^id: ?\d+\n\n/m)
  relay.cut()
  const client = new Client({ url: hasty.url })
  const { job_id: jobId } = await client.create('add', { numbers: [1] })
  await client.wait(jobId)
  relay.mend()
  await vi.waitFor(() => expect(seen).toEqual([jobId, jobId, jobId]), { timeout: 20_000 })
  leaving.abort()
  await reading
})
