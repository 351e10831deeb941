import { PermanentError } from './handler.ts'
import { type HttpPayload, isQueryMethod } from './http-payload.ts'

/**
 * The target of a payload: the text of a user's URL, which still has to be checked, or a URL below one of the
 * operator's.
 * @throws PermanentError when there is no such service, or the path would leave it
 */
export function targetOf(payload: HttpPayload, services: ReadonlyMap<string, URL>): string | URL {
  const query = queryOf(payload)
  if (payload.url !== undefined) return withQuery(payload.url, query)
  return new URL(withQuery(serviceUrl(services, payload.service ?? '', payload.path ?? '').href, query))
}

/** @throws PermanentError when there is no such service, or the path would leave it */
export function serviceUrl(services: ReadonlyMap<string, URL>, name: string, path: string): URL {
  const base = services.get(name)
  if (base === undefined) throw new PermanentError(`there is no service "${name}" in SERVICES`)
  return belowBase(base, path)
}

function queryOf({ method, params }: HttpPayload): string {
  if (params === undefined || !isQueryMethod(method)) return ''
  const pairs = Object.entries(params as Record<string, string | number | boolean>)
  return new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, String(value)])).toString()
}

function withQuery(url: string, query: string): string {
  if (query === '') return url
  const [address = ''] = url.split('#', 1)
  return `${address}${address.includes('?') ? '&' : '?'}${query}`
}

function belowBase(base: URL, path: string): URL {
  if (path === '') return base
  if (!/^\/(?!\/)[^\\#\p{Cc}]*$/u.test(path)) {
    throw new PermanentError('path: must begin with one / and have no backslash, fragment or control character')
  }
  if (hasDotSegment(path)) throw new PermanentError('path: must not have . or .. as a segment')
  const prefix = base.pathname.replace(/\/$/, '')
  const url = new URL(`${base.origin}${prefix}${path}`)
  if (url.origin !== base.origin || !url.pathname.startsWith(`${prefix}/`)) {
    throw new PermanentError('path: must not leave the service')
  }
  return url
}

/**
 * Whether any server on the way may see a dot segment: encoded, with parameters after a semicolon, or with backslashes.
 */
function hasDotSegment(path: string): boolean {
  const [onlyPath = ''] = path.split('?', 1)
  let decoded: string
  try {
    decoded = decodeURIComponent(onlyPath)
  } catch {
    throw new PermanentError('path: has a percent sign that encodes nothing')
  }
  return decoded.split(/[/\\]/).some((segment) => /^\.\.?(;|$)/.test(segment))
}
