import Router from '@koa/router'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { OPERATIONS } from '#shared/contracts/http/operations/all-operations.ts'
import { DirectRoutes, type RouteHandler } from './direct-routes.ts'

const ROUTES = OPERATIONS.map(({ method, path }) => ({
  method,
  pattern: path.replaceAll(/\{(\w+)\}/g, ':$1'),
}))
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD']

const handler: RouteHandler = () => Promise.resolve()

function bothOf(routes: typeof ROUTES) {
  const direct = new DirectRoutes()
  const router = new Router()
  for (const { method, pattern } of routes) {
    direct.add(method.toUpperCase(), pattern, handler)
    router[method](pattern, handler)
  }
  return { direct, router }
}

/** The pattern and the parameters by which a router would serve an address; null: by none. */
function byRouter(router: Router, method: string, path: string) {
  const layer = router.match(path, method).pathAndMethod[0]
  return layer === undefined ? null : { pattern: layer.path, params: layer.params(path, layer.captures(path), {}) }
}

const segment = fc.oneof(
  fc.constantFrom('v1', 'jobs', 'batch', 'events', 'types', 'docs', 'V1', '', '%41', 'a%2Fb', 'message', 'workers'),
  fc.stringMatching(/^[\w.~:@-]{1,12}$/),
)
const anyPath = fc.array(segment, { maxLength: 5 }).map((segments) => `/${segments.join('/')}`)
const servedPath = fc
  .tuple(fc.constantFrom(...ROUTES), fc.array(segment, { minLength: 3, maxLength: 3 }))
  .map(([{ pattern }, values]) => pattern.replaceAll(/:\w+/g, () => values.pop() ?? 'x'))

test('what is found directly is what the router would serve, with the same parameters', () => {
  const { direct, router } = bothOf(ROUTES)
  fc.assert(
    fc.property(fc.constantFrom(...METHODS), fc.oneof(anyPath, servedPath), (method, path) => {
      const found = direct.find(method, path)
      if (found === null) return
      expect({ pattern: found.route.pattern, params: found.params }).toEqual(byRouter(router, method, path))
    }),
    { numRuns: 2_000 },
  )
})

test('every operation with a parameter at its end alone, or none, is found directly', () => {
  const { direct } = bothOf(ROUTES)
  for (const { method, pattern } of ROUTES) {
    const isDirect = !/:\w+\//.test(pattern)
    const found = direct.find(method.toUpperCase(), pattern.replaceAll(/:\w+/g, 'some'))
    expect([pattern, found !== null]).toEqual([pattern, isDirect])
  }
})

test('of two routes that match the same address the one added first is found', () => {
  const routes = [
    { method: 'get' as const, pattern: '/docs' },
    { method: 'get' as const, pattern: '/:job_id' },
    { method: 'get' as const, pattern: '/late' },
  ]
  const { direct } = bothOf(routes)
  expect(direct.find('GET', '/docs')?.route.pattern).toBe('/docs')
  expect(direct.find('GET', '/late')?.route.pattern).toBe('/:job_id')
})
