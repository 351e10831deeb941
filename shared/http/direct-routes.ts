import type { AppContext } from './app.ts'

export type RouteHandler = (ctx: AppContext) => Promise<void>

interface DirectRoute {
  /** Position among all routes: the earlier of two that match the same address answers. */
  order: number
  /** The pattern, as the router and the metrics name it. */
  pattern: string
  /** Name of the parameter at the end of the path; null: the path has none. */
  param: string | null
  handle: RouteHandler
}

/**
 * Routes that are found by a look into a map: those without a parameter, and those with one as their last segment. A
 * router tries its patterns one after the other, which costs a busy service several microseconds a request. Every
 * address that is spelt in another way than usual (a slash at the end, capitals, an escape) is left to the router.
 */
export class DirectRoutes {
  readonly #routes = new Map<string, DirectRoute>()
  #order = 0

  /** @param pattern as the router takes it, with parameters as in `/v1/jobs/:job_id` */
  add(method: string, pattern: string, handle: RouteHandler): void {
    const order = this.#order++
    const [, prefix = pattern, param = null] = /^([^:]*\/):(\w+)$/.exec(pattern) ?? []
    if (prefix.includes(':')) return
    const key = keyOf(method, prefix, param !== null)
    if (!this.#routes.has(key)) this.#routes.set(key, { order, pattern, param, handle })
  }

  /** @returns null for an address that the router must look up */
  find(method: string, path: string): { route: DirectRoute; params: Record<string, string> } | null {
    const whole = this.#routes.get(keyOf(method, path, false))
    const lastSlash = path.lastIndexOf('/')
    const segment = path.slice(lastSlash + 1)
    const below =
      segment === '' || segment.includes('%')
        ? undefined
        : this.#routes.get(keyOf(method, path.slice(0, lastSlash + 1), true))
    const route = earlierOf(whole, below)
    if (route === undefined) return null
    return { route, params: route.param === null ? {} : { [route.param]: segment } }
  }
}

const keyOf = (method: string, path: string, hasParam: boolean): string => `${method} ${path}${hasParam ? ':' : ''}`

function earlierOf(one: DirectRoute | undefined, other: DirectRoute | undefined): DirectRoute | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return one.order < other.order ? one : other
}
