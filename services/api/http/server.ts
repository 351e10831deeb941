import { createServer, type Server, STATUS_CODES } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type Koa from 'koa'
import type { ProblemCode } from '#shared/contracts/problems.ts'
import { SECOND } from '#shared/runtime/clock.ts'
import { AppError, problemOf } from '#shared/runtime/errors.ts'

export interface ServerOptions {
  app: Koa
  host: string
  port: number
  reusePort: boolean
}

/** Above nginx's 60 s, so that it is always nginx that closes an idle connection. */
const KEEP_ALIVE_MS = 75 * SECOND
/** A request must have arrived whole within this time. */
const ARRIVAL_MS = 10 * SECOND

/** The HTTP server, with problem documents also for what Node's own parser refuses. */
export class HttpServer {
  readonly #server: Server
  readonly #options: ServerOptions

  constructor(options: ServerOptions) {
    this.#options = options
    const handle = options.app.callback()
    this.#server = createServer(
      {
        keepAliveTimeout: KEEP_ALIVE_MS,
        headersTimeout: ARRIVAL_MS,
        requestTimeout: ARRIVAL_MS,
        connectionsCheckingInterval: 1 * SECOND,
        // Above our own limits, which can then say which of them was passed.
        maxHeaderSize: 64 * 1024,
        requireHostHeader: false,
        noDelay: true,
      },
      (request, response) => {
        handle(request, response).catch(() => response.destroy())
      },
    )
    this.#server.maxHeadersCount = 0
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => answerParserError(error, socket as Socket))
    this.#server.on('checkExpectation', (_request, response) => {
      const problem = problemOf(new AppError('expectation-failed', 'Only Expect: 100-continue is known.'), undefined)
      response.writeHead(problem.status, { 'Content-Type': 'application/problem+json', Connection: 'close' })
      response.end(JSON.stringify(problem))
    })
  }

  /** @returns the port it listens on */
  start(): Promise<number> {
    const { host, port, reusePort } = this.#options
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port, reusePort }, () => {
        this.#server.off('error', reject)
        resolve((this.#server.address() as AddressInfo).port)
      })
    })
  }

  /** Refuses new connections at once, closes idle ones, and answers what it has. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeIdleConnections()
    })
  }
}

const PARSER_ERRORS: Record<string, { code: ProblemCode; detail: string }> = {
  HPE_HEADER_OVERFLOW: { code: 'headers-too-large', detail: 'The headers are too large.' },
  HPE_INVALID_METHOD: { code: 'not-implemented', detail: 'This method is not known here.' },
  ERR_HTTP_REQUEST_TIMEOUT: { code: 'request-timeout', detail: 'The request did not arrive in time.' },
}
const OTHER_ERROR = { code: 'malformed-request', detail: 'The request is not valid HTTP.' } as const

function answerParserError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const { code, detail } = PARSER_ERRORS[error.code ?? ''] ?? OTHER_ERROR
  const problem = problemOf(new AppError(code, detail), undefined)
  const body = JSON.stringify(problem)
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\n` +
      `Content-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
