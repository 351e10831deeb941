import { z } from 'zod'
import { OPEN_REQUESTS } from '#shared/contracts/log/subjects.ts'
import type { Broker } from './connection.ts'

/** Numbers of requests that have not ended. */
const openRequestsSchema = z.strictObject({ queuing: z.number(), inprogress: z.number() })
export type OpenRequests = z.infer<typeof openRequestsSchema>

/** One of all who answer gets the question. */
const ANSWERING = 'workflow'

/**
 * Answers how many requests are open.
 * @param count one that fails gives no answer
 * @returns a function that stops the answers
 */
export function answerOpenRequests(broker: Broker, count: () => Promise<OpenRequests>): () => void {
  const subscription = broker.nc.subscribe(OPEN_REQUESTS, {
    queue: ANSWERING,
    callback: (_error, message) => {
      count().then(
        (open) => message.respond(JSON.stringify(open)),
        () => undefined,
      )
    },
  })
  return () => subscription.unsubscribe()
}

/** @returns null where no workflow service answers in time */
export async function askOpenRequests(broker: Broker, withinMs: number): Promise<OpenRequests | null> {
  try {
    const reply = await broker.nc.request(OPEN_REQUESTS, '', { timeout: withinMs })
    return openRequestsSchema.safeParse(reply.json()).data ?? null
  } catch {
    return null
  }
}
