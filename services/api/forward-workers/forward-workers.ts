import { once } from 'node:events'
import { type Resolve, systemResolve } from '#shared/outbound/guarded-lookup.ts'
import { SECOND } from '#shared/runtime/clock.ts'
import { AppError, unavailable } from '#shared/runtime/errors.ts'
import type { Logger } from '#shared/runtime/logger.ts'

/** A handler may keep its replica's main loop to itself: another one is asked then. */
const TRY_WITHIN_MS = 5 * SECOND
/** However many there are: nginx waits 75 s for an api. */
const ANSWER_WITHIN_MS = 15 * SECOND
/** What an answer about workers says besides its body. */
const PASSED_HEADERS = ['content-type', 'cache-control', 'link', 'retry-after']

export interface ForwardedAnswer {
  status: number
  headers: Record<string, string>
  body: string
}

export interface ForwardDeps {
  /** Any of them can answer for all; a host name stands for as many as it has addresses at the time. */
  jobUrls: readonly string[]
  resolve?: Resolve
  log: Logger
}

/**
 * Job services know no tokens and are reached by nobody else: the api asks one after the other, whoever answered last first.
 * @param target path and query, as the caller sent them
 * @throws AppError `not-found` without any address; `unavailable`, after 15 s at most
 */
export function createForwarder({ jobUrls, resolve = systemResolve, log }: ForwardDeps) {
  let answeredLast = ''
  return async (method: string, target: string, requestId: string): Promise<ForwardedAnswer> => {
    if (jobUrls.length === 0) {
      throw new AppError('not-found', 'Workers are served by the job service; JOB_URLS names none to this api.')
    }
    let lastError: unknown
    const giveUp = (address: string, error: unknown) => {
      log.debug({ err: error, address }, 'a job service did not answer')
      lastError = error
    }
    const patience = AbortSignal.timeout(ANSWER_WITHIN_MS)
    const replicas = await Promise.all(
      jobUrls.map((url) =>
        replicasOf(url, resolve).catch((error: unknown) => {
          giveUp(url, error)
          return []
        }),
      ),
    )
    for (const replica of withFirst(answeredLast, replicas.flat())) {
      try {
        const response = await fetch(`${replica}${target}`, {
          method,
          headers: { 'Hasty-Request-Id': requestId },
          redirect: 'manual',
          signal: AbortSignal.any([patience, AbortSignal.timeout(TRY_WITHIN_MS)]),
        })
        const answer = { status: response.status, headers: passedHeaders(response), body: await response.text() }
        answeredLast = replica
        return answer
      } catch (error) {
        giveUp(replica, error)
      }
    }
    throw unavailable('No job service answers.', lastError)
  }
}

/** `http://10.0.0.7:8081` and so on: replicas come and go, so a name is asked for each request. */
async function replicasOf(jobUrl: string, resolve: Resolve): Promise<string[]> {
  const { hostname, port } = new URL(jobUrl)
  const late = once(AbortSignal.timeout(TRY_WITHIN_MS), 'abort').then(() => {
    throw new Error(`the addresses of ${hostname} were not known in time`)
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
