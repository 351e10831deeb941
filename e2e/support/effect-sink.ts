import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** A handler's effect on the outside world: one for each start, under that start's fencing token. */
export interface Effect {
  job_id: string
  fencing_token: number
  attempt: number
  pid: number
}

export interface ReceivedEffect extends Effect {
  /** False when the sink had seen a higher token (or this very one) of the job. */
  accepted: boolean
}

export type EffectSink = AsyncDisposable & {
  readonly url: string
  readonly effects: readonly ReceivedEffect[]
}

/** The outside world: accepts an effect only under a token higher than all earlier ones of that job. */
export async function startEffectSink(): Promise<EffectSink> {
  const effects: ReceivedEffect[] = []
  const highest = new Map<string, number>()
  const server = createServer(async (request, response) => {
    const effect = JSON.parse(await text(request)) as Effect
    const accepted = effect.fencing_token > (highest.get(effect.job_id) ?? 0)
    if (accepted) highest.set(effect.job_id, effect.fencing_token)
    effects.push({ ...effect, accepted })
    // A worker that was frozen or blocked would find a kept connection closed, and fail because of the test.
    response.setHeader('Connection', 'close')
    response.statusCode = accepted ? 204 : 409
    response.end()
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    effects,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
}
