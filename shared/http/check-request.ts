import type { IncomingMessage } from 'node:http'
import type { Context } from 'koa'
import { AppError, nothingHere } from '#shared/errors/app-error.ts'

export const URI_MAX_LENGTH = 8 * 1024
export const HEADERS_MAX_BYTES = 16 * 1024
export const HEADERS_MAX_COUNT = 100

/** Addresses that answer with a page or one of its files, so Accept need not name JSON. */
const HAS_PAGES = /^\/(docs|ui)(\/|$)/

/** Checks that every request must pass, whatever its route. */
export function checkRequest(ctx: Context): void {
  const { url = '' } = ctx.req
  if (url.length > URI_MAX_LENGTH)
    throw new AppError('uri-too-long', `The URL may have at most ${URI_MAX_LENGTH} characters.`)
  checkHeaders(ctx.req)
  const path = pathOf(ctx)
  if (path === undefined) throw new AppError('malformed-request', 'The address is not a valid URL.')
  if (!isDecodable(path)) throw nothingHere()
  if (
    !HAS_PAGES.test(path) &&
    !(path === '/' && ctx.method === 'GET' && ctx.accepts('text/html') !== false) &&
    ctx.get('accept') !== '' &&
    ctx.accepts('application/json', 'application/problem+json', 'text/plain', 'text/event-stream') === false
  ) {
    throw new AppError('not-acceptable', 'Accept must include application/json.')
  }
}

function checkHeaders({ rawHeaders, httpVersion }: IncomingMessage): void {
  let bytes = 0
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    bytes += name.length + (rawHeaders[i + 1]?.length ?? 0) + 4
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++
  }
  if (rawHeaders.length / 2 > HEADERS_MAX_COUNT || bytes > HEADERS_MAX_BYTES) {
    throw new AppError(
      'headers-too-large',
      `A request may have at most ${HEADERS_MAX_COUNT} headers of ${HEADERS_MAX_BYTES} bytes in all.`,
      {
        headers: { Connection: 'close' },
      },
    )
  }
  if (hosts > 1 || (hosts === 0 && httpVersion !== '1.0'))
    throw new AppError('malformed-request', 'A request must have exactly one Host header.', {
      headers: { Connection: 'close' },
    })
}

/** The path of the address; undefined where the address is no URL at all, as in `GET http://[ HTTP/1.1`. */
export function pathOf(ctx: Context): string | undefined {
  try {
    return ctx.path
  } catch {
    return undefined
  }
}

function isDecodable(path: string): boolean {
  if (!path.includes('%')) return true
  try {
    return !decodeURIComponent(path).includes('\0')
  } catch {
    return false
  }
}
