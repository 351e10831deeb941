import { globSync } from 'node:fs'
import { join } from 'node:path'
import Router from '@koa/router'
import { expect, test } from 'vitest'
import { describeApi, OPERATIONS } from './describe-api.ts'

/** Everybody's document is the api's; requests have a service of their own. */
const services = join(import.meta.dirname, '../..')

/** Routes are registered without their dependencies being used. */
const noDeps: object = new Proxy({}, { get: (_target, name) => (String(name).endsWith('Urls') ? [] : noDeps) })

async function registeredRoutes(): Promise<string[]> {
  const router = new Router()
  for (const file of globSync('{api,workflow}/**/route.ts', { cwd: services })) {
    const module = (await import(join(services, file))) as Record<string, unknown>
    for (const exported of Object.values(module)) {
      if (typeof exported === 'function') (exported as (router: Router, deps: unknown) => void)(router, noDeps)
    }
  }
  return router.stack.flatMap(({ methods, path }) =>
    methods
      .filter((method) => method !== 'HEAD')
      .map((method) => `${method} ${String(path).replaceAll(/:(\w+)/g, '{$1}')}`),
  )
}

/** Served beside the router: the operator's routes, which every service has. */
const OPERATOR = ['GET /heartbeat', 'GET /livez', 'GET /readyz', 'GET /metrics']
/** Parts of the page. */
const ASSETS = ['GET /docs/docs.js', 'GET /docs/docs.css']

test('every route is described, and nothing else is', async () => {
  const described = OPERATIONS.map(({ method, path }) => `${method.toUpperCase()} ${path}`)
  // A route that one service passes on to another is one.
  const expected = [...new Set(await registeredRoutes()), ...OPERATOR].filter((route) => !ASSETS.includes(route))
  expect(described.toSorted()).toEqual(expected.toSorted())
  expect(new Set(OPERATIONS.map(({ id }) => id)).size).toBe(OPERATIONS.length)
})

test.each(['3.2.0', '3.1.1'] as const)('every reference in the %s document leads somewhere', (openapi) => {
  const document = describeApi(openapi, '1.2.3')
  expect(document).toMatchObject({ openapi, info: { title: 'Hasty', version: '1.2.3' } })
  const text = JSON.stringify(document)
  const names = new Set([...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name))
  const { schemas } = document['components'] as { schemas: Record<string, unknown> }
  expect(names.size).toBeGreaterThan(10)
  for (const name of names) expect(Object.keys(schemas)).toContain(name)
  expect(text.includes('itemSchema')).toBe(openapi === '3.2.0')
})
