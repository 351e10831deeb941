import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import { Hasty as Client } from '../../client/index.ts'
import { startInProcess } from '../support/hasty.ts'

/** What stands between a client and a server, and can be cut. */
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
    /** Connections that bytes have come back on. */
    answered: () =>
      [...sockets].filter(({ bytesRead, remotePort }) => remotePort === Number(port) && bytesRead > 0).length,
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

test('what happens while a reader who has seen no event yet is cut off is told when it is back', async () => {
  await using hasty = await startInProcess()
  await using relay = await startRelay(hasty.url)
  const leaving = new AbortController()
  const seen: string[] = []
  const reading = (async () => {
    for await (const event of new Client({ url: relay.url }).allEvents({ signal: leaving.signal }))
      seen.push('job_id' in event ? event.job_id : event.event)
  })().catch(() => undefined)
  await expect.poll(() => relay.answered(), { timeout: 20_000 }).toBe(1)
  relay.cut()
  const client = new Client({ url: hasty.url })
  const { job_id: jobId } = await client.create('add', { numbers: [1] })
  await client.wait(jobId)
  relay.mend()
  await vi.waitFor(() => expect(seen).toEqual([jobId, jobId, jobId]), { timeout: 20_000 })
  leaving.abort()
  await reading
})
