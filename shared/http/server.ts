import { createServer, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import type Koa from 'koa'
import type { ProblemCode } from '#shared/contracts/http/problems.ts'
import { AppError, problemOf } from '#shared/errors/app-error.ts'
import { SECOND } from '#shared/time/clock.ts'

export interface ServerSettings {
  HOST: string
  PORT: number
  REUSE_PORT: boolean
  STOP_LINGER_MS: number
}

/** Above nginx's 60 s, so that nginx always closes idle connections first. */
const KEEP_ALIVE_MS = 75 * SECOND
/** Time within which a whole request must arrive. */
const ARRIVAL_MS = 10 * SECOND
/** Period at which a stopping server looks for connections that have their answer. */
const CLOSE_IDLE_MS = 100
/**
 * How long a refused client may go on sending: if the connection were closed at once, the client would never read the
 * reason.
 */
const LINGER_MS = 2 * SECOND

/** The HTTP server, with problem documents also for requests that Node's own parser refuses. */
export class HttpServer {
  readonly #server: Server
  #stopping = false
  readonly #settings: ServerSettings
  readonly #arrivalMs: number
  readonly #sockets = new Set<Socket>()
  /** The answer to the last request on each connection. */
  readonly #answers = new WeakMap<Duplex, ServerResponse>()

  /** @param arrivalMs a request must have arrived whole within this time */
  constructor(app: Koa, settings: ServerSettings, arrivalMs = ARRIVAL_MS) {
    this.#settings = settings
    this.#arrivalMs = arrivalMs
    const handle = app.callback()
    const answers = this.#answers
    this.#server = createServer(
      {
        keepAliveTimeout: KEEP_ALIVE_MS,
        headersTimeout: arrivalMs,
        requestTimeout: arrivalMs,
        connectionsCheckingInterval: arrivalMs / 10,
        // Above Hasty's own limits, so that the error can name the one that was exceeded.
        maxHeaderSize: 64 * 1024,
        requireHostHeader: false,
        noDelay: true,
      },
      (request, response) => {
        answers.set(request.socket, response)
        // A proxy that keeps its connections busy would keep a stopping server alive forever.
        if (this.#stopping) response.setHeader('Connection', 'close')
        handle(request, response).catch(() => response.destroy())
      },
    )
    this.#server.maxHeadersCount = 0
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      onParserError(error, socket, answers.get(socket))
    })
    this.#server.on('connect', (_request, socket) => {
      refuse(
        socket.resume(),
        new AppError('method-not-allowed', 'This server is not a proxy.', { headers: { Allow: ALLOWED } }),
      )
    })
    this.#server.on('checkExpectation', (_request, response) => {
      const problem = problemOf(
        new AppError('expectation-failed', 'Only Expect: 100-continue is supported.'),
        undefined,
      )
      const body = JSON.stringify(problem)
      response.writeHead(problem.status, { ...problemHeaders(body), Connection: 'close' })
      response.end(body)
    })
  }

  /** @returns the port it listens on */
  start(): Promise<number> {
    const { HOST: host, PORT: port, REUSE_PORT: reusePort } = this.#settings
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port, reusePort }, () => {
        this.#server.off('error', reject)
        resolve((this.#server.address() as AddressInfo).port)
      })
    })
  }

  /**
   * Refuses new connections at once, closes idle ones, and answers open requests. A proxy would hang on an address that
   * does not even refuse connections, so the process stays up for as long as the proxy needs to see a refusal.
   */
  async stop(): Promise<void> {
    this.#stopping = true
    await Promise.all([this.#close(), pause(this.#settings.STOP_LINGER_MS)])
  }

  #close(): Promise<void> {
    return new Promise((resolve) => {
      const begunAtMs = performance.now()
      const closing = setInterval(() => {
        this.#server.closeIdleConnections()
        this.#closeSilent(performance.now() - begunAtMs > this.#arrivalMs)
      }, CLOSE_IDLE_MS)
      this.#server.close(() => {
        clearInterval(closing)
        resolve()
      })
      this.#server.closeIdleConnections()
    })
  }

  /**
   * Closes connections that have sent nothing. A closed Node server does not count such a connection as idle, and no
   * longer limits the time in which a request must arrive: a client that only connects would keep it open forever.
   * @param isLate a request that has not arrived whole by now will not be answered
   */
  #closeSilent(isLate: boolean): void {
    for (const socket of this.#sockets) {
      const answer = this.#answers.get(socket)
      const isAnswered = answer?.req.complete === true && !answer.closed
      if (socket.bytesRead === 0 || (isLate && !isAnswered)) socket.destroy()
    }
  }
}

const PARSER_ERRORS: Record<string, { code: ProblemCode; detail: string }> = {
  HPE_HEADER_OVERFLOW: { code: 'headers-too-large', detail: 'The headers are too large.' },
  HPE_INVALID_METHOD: { code: 'not-implemented', detail: 'This method is not supported.' },
  ERR_HTTP_REQUEST_TIMEOUT: { code: 'request-timeout', detail: 'The request did not arrive in time.' },
}
const OTHER_ERROR = { code: 'malformed-request', detail: 'The request is not valid HTTP.' } as const

const ALLOWED = 'GET, HEAD, POST, PUT, PATCH, DELETE'

function onParserError(error: NodeJS.ErrnoException, socket: Duplex, open: ServerResponse | undefined): void {
  if (error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const { code, detail } = PARSER_ERRORS[error.code ?? ''] ?? OTHER_ERROR
  // The fault lies after a whole request: that one is answered first, because it may have created a job.
  if (open?.req.complete === true && !open.closed) open.once('close', () => refuse(socket, new AppError(code, detail)))
  else refuse(socket, new AppError(code, detail))
}

/** Answers without Node's own response object and gives the connection up. */
function refuse(socket: Duplex, error: AppError): void {
  // The parser refuses further data of the client again; one answer is enough.
  if (!socket.writable) return
  const problem = problemOf(error, undefined)
  const body = JSON.stringify(problem)
  const headers = { ...error.headers, ...problemHeaders(body), Connection: 'close' }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\n${lines.join('')}\r\n${body}`)
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(timer))
}

const problemHeaders = (body: string) => ({
  'Content-Type': 'application/problem+json',
  'Content-Length': Buffer.byteLength(body),
  'X-Content-Type-Options': 'nosniff',
})
