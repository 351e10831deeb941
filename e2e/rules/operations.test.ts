// One declaration for each route: the handler, the scope and the documentation come from the same operation.
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { OPERATIONS } from '#shared/contracts/http/operations/all-operations.ts'
import type { Operation } from '#shared/contracts/http/operations/operation.ts'
import { workerOperations } from '#shared/contracts/http/operations/workers.ts'
import { GuardedRouter } from '#shared/http/guarded-router.ts'
import { systemClock } from '#shared/time/clock.ts'
import { workerRoutes } from '../../services/job/workers/workers-routes.ts'

const services = join(import.meta.dirname, '../../services')

/** Dependencies for registering routes, which does not use them. */
const noDeps: object = new Proxy({}, { get: (_target, name) => (String(name).endsWith('Urls') ? [] : noDeps) })

async function routesOf(service: string): Promise<{ served: Operation[]; forwarded: Operation[] }> {
  const routes = { served: [] as Operation[], forwarded: [] as Operation[] }
  const router = {
    serve: (operation: Operation) => routes.served.push(operation),
    forward: (operation: Operation) => routes.forwarded.push(operation),
  }
  for (const file of globSync(`${service}/**/*-route.ts`, { cwd: services })) {
    const module = (await import(join(services, file))) as Record<string, unknown>
    for (const exported of Object.values(module)) {
      if (typeof exported === 'function') (exported as (to: typeof router, deps: unknown) => void)(router, noDeps)
    }
  }
  return routes
}

const namesOf = (operations: readonly Operation[]): string[] =>
  operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`).toSorted()

/** Routes that are served beside the router: the operator's, which every service has. */
const OPERATOR = ['GET /heartbeat', 'GET /livez', 'GET /readyz', 'GET /metrics']
/** Files that belong to a page, and the screens of the dashboard. */
const ASSETS = [
  ...['docs.js', 'element.js', 'schema.js', 'try-it.js', 'docs.css'].map((file) => `GET /docs/${file}`),
  'GET /ui/*path',
  'GET /ui/-/{version}/*path',
]
const WORKERS = namesOf(Object.values(workerOperations))

test('every operation is served by one service, and every route is an operation', async () => {
  const [api, workflow] = [await routesOf('api'), await routesOf('workflow')]
  const served = [...namesOf(api.served), ...namesOf(workflow.served), ...WORKERS, ...OPERATOR]
  expect(served.toSorted()).toEqual([...namesOf(OPERATIONS), ...ASSETS].toSorted())
  expect(namesOf(api.forwarded)).toEqual([...namesOf(workflow.served), ...WORKERS].toSorted())
  expect(new Set(OPERATIONS.map(({ id }) => id)).size).toBe(OPERATIONS.length)
})

test.each(Object.values(workerOperations))('the job service serves $id', async ({ path }) => {
  const store = { listWorkers: async () => [], getWorker: async () => null, listAttempts: async () => [] }
  const answer = workerRoutes({ store, clock: systemClock })
  const request = { method: 'GET', path: path.replace('{worker_id}', 'w'), query: {} }
  expect(await answer(request).catch((error: unknown) => error)).toMatchObject(
    path.includes('{') ? { code: 'worker-not-found' } : { status: 200 },
  )
})

test('a router takes operations alone', () => {
  const router = new GuardedRouter(null, { name: 'token', requests: 0, windowS: 1 })
  // @ts-expect-error: what has no operation has no scope.
  expect(router.get).toBeUndefined()
})
