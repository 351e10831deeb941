import type { ServerResponse } from 'node:http'
import { Webhook } from 'standardwebhooks'
import { type HttpTarget, type SeenRequest, startHttpTarget } from '../support/http-target.ts'

/** What a receiver got, once its signature was found good. */
export interface Delivered {
  webhookId: string
  path: string
  body: { type: string; timestamp: string; data: Record<string, unknown> }
}

export interface Receiver extends AsyncDisposable {
  readonly host: string
  readonly delivered: Delivered[]
  /** Requests whose signature the library refused. */
  readonly refused: SeenRequest[]
  readonly target: HttpTarget
}

/** A receiver as the library of Standard Webhooks makes it; `answer` decides when it says yes. */
export async function startReceiver(
  secret: string,
  answer: (request: SeenRequest, response: ServerResponse, earlier: SeenRequest[]) => void = (_, response) =>
    response.writeHead(204).end(),
): Promise<Receiver> {
  const webhook = new Webhook(secret)
  const delivered: Delivered[] = []
  const refused: SeenRequest[] = []
  const target = await startHttpTarget((request, response, earlier) => {
    try {
      const body = webhook.verify(request.body, request.headers as Record<string, string>) as Delivered['body']
      delivered.push({ webhookId: String(request.headers['webhook-id']), path: request.path, body })
    } catch {
      refused.push(request)
    }
    answer(request, response, earlier)
  })
  return { host: target.host, delivered, refused, target, [Symbol.asyncDispose]: () => target[Symbol.asyncDispose]() }
}
