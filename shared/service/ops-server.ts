import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ParsedUrlQuery, parse } from 'node:querystring'
import { AppError, nothingHere, problemOf } from '#shared/errors/app-error.ts'
import { newNonce } from '#shared/ids/ids.ts'
import type { Logger } from '#shared/process/logger.ts'
import { SECOND } from '#shared/time/clock.ts'
import type { Health, OpsAnswer } from './health.ts'

export interface OpsRequest {
  method: string
  path: string
  query: ParsedUrlQuery
}

/** The service's own answers: null where a path is not one of its routes. @throws AppError */
export type OpsRoutes = (request: OpsRequest) => Promise<OpsAnswer | null>

export interface OpsServerOptions {
  health: Health
  /** Routes besides the operator's. */
  routes?: OpsRoutes
  host: string
  port: number
  log: Logger
}

/** Longer than callers keep an idle connection, so that the callers close it. */
const KEEP_ALIVE_MS = 75 * SECOND

/** HTTP for a service with few routes: the operator's, and a few to read. Request bodies are ignored. */
export class OpsServer {
  readonly #options: OpsServerOptions
  readonly #server: Server

  constructor(options: OpsServerOptions) {
    this.#options = options
    this.#server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
      this.#answer(request, response).catch(() => response.destroy())
    })
  }

  /** @returns the port it listens on */
  start(): Promise<number> {
    const { host, port } = this.#options
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, host, () => resolve((this.#server.address() as AddressInfo).port))
    })
  }

  async stop(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await Promise.resolve()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '/', query = ''] = (request.url ?? '/').split(/\?(.*)/s, 2)
    const requestId = requestIdOf(request)
    const { health, routes, log } = this.#options
    const answer = await Promise.resolve()
      .then(async () => {
        const found = await health.answer(path)
        return found ?? (await routes?.({ method: request.method ?? 'GET', path, query: parse(query) }))
      })
      .then((found) => found ?? problem(nothingHere(), requestId, path))
      .catch((error: unknown) => problem(toAppError(log, requestId, error), requestId, path))
    response.writeHead(answer.status, {
      'Content-Type': answer.contentType,
      'Content-Length': Buffer.byteLength(answer.body),
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      'X-Request-Id': requestId,
      ...answer.headers,
    })
    response.end(answer.body)
  }
}

const REQUEST_ID_PATTERN = /^[A-Za-z0-9._-]{8,128}$/

/** The request's id, whoever sent it: it is only logged, and decides nothing. */
function requestIdOf(request: IncomingMessage): string {
  const sent = request.headers['hasty-request-id']
  return typeof sent === 'string' && REQUEST_ID_PATTERN.test(sent) ? sent : newNonce()
}

function problem(error: AppError, requestId: string, path: string): OpsAnswer {
  return {
    status: error.status,
    contentType: 'application/problem+json',
    headers: error.headers,
    body: JSON.stringify(problemOf(error, requestId, path.slice(0, 100))),
  }
}

function toAppError(log: Logger, requestId: string, error: unknown): AppError {
  if (error instanceof AppError) {
    log.debug({ err: error, code: error.code, request_id: requestId }, 'request refused')
    return error
  }
  log.error({ err: error, request_id: requestId }, 'request failed')
  return new AppError('internal', 'The failure was logged under this request_id.', { cause: error })
}
