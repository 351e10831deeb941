import { once } from 'node:events'
import { AppError, unavailable } from '#shared/errors/app-error.ts'
import { type Resolve, systemResolve } from '#shared/outbound/guarded-lookup.ts'
import type { Logger } from '#shared/process/logger.ts'

/** Limit of the tries, however many replicas there are: nginx waits 75 s for an api. */
const TRIES_MAX = 3
/** Headers of an answer that are passed on. */
const PASSED_HEADERS = [
  'accept',
  'cache-control',
  'content-type',
  'etag',
  'idempotency-replayed',
  'link',
  'location',
  'retry-after',
  'www-authenticate',
]

export interface ForwardedRequest {
  method: string
  /** Path and query, as the caller sent them. */
  target: string
  headers: Record<string, string>
  body?: Uint8Array<ArrayBuffer>
}

export interface ForwardedAnswer {
  status: number
  headers: Record<string, string>
  body: string
}

export interface ForwarderOptions {
  /** Name of the service for callers: `job service`. */
  service: string
  /**
   * Addresses of the replicas, of which any can answer for all; a host name stands for all addresses that it has at the
   * time.
   */
  urls: readonly string[]
  /** Detail of the error where there are no addresses. */
  unknown: string
  /** Time after which a silent replica is given up for another; the caller waits three times as long at most. */
  tryWithinMs: number
  resolve?: Resolve
  log: Logger
}

/**
 * Creates a forwarder that asks one replica after the other, beginning with the last one that answered. A request may
 * reach two of them: it must be harmless to repeat, or recognisable by its `Hasty-Request-Id`.
 * @throws AppError `not-found` without any address; `unavailable`
 */
export function createForwarder({
  service,
  urls,
  unknown,
  tryWithinMs,
  resolve = systemResolve,
  log,
}: ForwarderOptions) {
  let answeredLast = ''
  return async ({ method, target, headers, body }: ForwardedRequest): Promise<ForwardedAnswer> => {
    if (urls.length === 0) throw new AppError('not-found', unknown)
    let lastError: unknown
    const giveUp = (address: string, error: unknown) => {
      log.debug({ err: error, service, address }, 'a replica did not answer')
      lastError = error
    }
    const patience = AbortSignal.timeout(TRIES_MAX * tryWithinMs)
    const replicas = await Promise.all(
      urls.map((url) =>
        replicasOf(url, resolve, tryWithinMs).catch((error: unknown) => {
          giveUp(url, error)
          return []
        }),
      ),
    )
    for (const replica of withFirst(answeredLast, replicas.flat())) {
      try {
        const response = await fetch(`${replica}${target}`, {
          method,
          headers,
          ...(body === undefined ? {} : { body }),
          redirect: 'manual',
          signal: AbortSignal.any([patience, AbortSignal.timeout(tryWithinMs)]),
        })
        const answer = { status: response.status, headers: passedHeaders(response), body: await response.text() }
        answeredLast = replica
        return answer
      } catch (error) {
        giveUp(replica, error)
      }
    }
    throw unavailable(`No replica of the ${service} answered. Try again.`, lastError)
  }
}

/**
 * The addresses of the replicas, such as `http://10.0.0.7:8081`: replicas come and go, so the name is resolved for each
 * request.
 */
async function replicasOf(url: string, resolve: Resolve, withinMs: number): Promise<string[]> {
  const { hostname, port } = new URL(url)
  const late = once(AbortSignal.timeout(withinMs), 'abort').then(() => {
    throw new Error(`${hostname} could not be resolved in time`)
  })
  const addresses = await Promise.race([resolve(hostname.replace(/^\[(.*)\]$/, '$1')), late])
  return addresses.map(({ address, family }) => {
    const host = family === 6 ? `[${address}]` : address
    return port === '' ? `http://${host}` : `http://${host}:${port}`
  })
}

const withFirst = (first: string, all: string[]): string[] =>
  all.toSorted((one, other) => Number(other === first) - Number(one === first))

const passedHeaders = ({ headers }: Response): Record<string, string> =>
  Object.fromEntries(PASSED_HEADERS.flatMap((name) => (headers.has(name) ? [[name, headers.get(name) ?? '']] : [])))
