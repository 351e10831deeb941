import { HTTP_BUCKETS_S, histogram } from '#shared/process/metrics.ts'
import type { ServiceBase } from '#shared/service/base.ts'
import { createApp } from './app.ts'
import type { GuardedRouter } from './guarded-router.ts'
import { HttpServer, type ServerSettings } from './server.ts'

export interface HttpConfig extends ServerSettings {
  TRUST_PROXY: boolean
  CORS_ORIGINS: string[]
  RATE_LIMIT_PER_ADDRESS: number
  RATE_LIMIT_WINDOW_S: number
}

/**
 * Serves the routes of a service, and the operator's routes, until the service stops.
 * @returns the port it listens on
 */
export function serveHttp(base: ServiceBase<HttpConfig>, router: GuardedRouter): Promise<number> {
  const { config, health, clock, log, registry, tracing, life } = base
  const app = createApp({
    router,
    health,
    clock,
    log,
    tracing,
    trustProxy: config.TRUST_PROXY,
    corsOrigins: config.CORS_ORIGINS,
    addressLimit: { name: 'address', requests: config.RATE_LIMIT_PER_ADDRESS, windowS: config.RATE_LIMIT_WINDOW_S },
    httpSeconds: histogram(registry, 'hasty_http_request_duration_seconds', 'Requests, by route', HTTP_BUCKETS_S, [
      'route',
      'method',
      'code',
    ]),
  })
  return life.start(new HttpServer(app, config))
}
