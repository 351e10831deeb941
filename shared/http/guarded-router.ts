import Router from '@koa/router'
import type { AuthConfig } from '#shared/auth/settings.ts'
import { createVerifier } from '#shared/auth/verify-token.ts'
import type { Logger } from '#shared/process/logger.ts'
import type { Clock } from '#shared/time/clock.ts'
import { authenticate, tokenKeyOf } from './authenticate.ts'
import { limitRate } from './limit-rate.ts'

export type GuardConfig = AuthConfig & { HOST: string; RATE_LIMIT_PER_TOKEN: number; RATE_LIMIT_WINDOW_S: number }

/** A router whose routes all ask for a token first, where tokens are required; routes come after. */
export function createGuardedRouter(config: GuardConfig, clock: Clock, log: Logger): Router {
  const verify = config.AUTH === 'required' ? createVerifier(config, clock) : null
  if (verify === null) log.warn({ host: config.HOST }, 'AUTH is off: whoever can reach this address may do everything')
  const router = new Router()
  router.use(authenticate(verify))
  router.use(
    limitRate(
      { name: 'token', requests: config.RATE_LIMIT_PER_TOKEN, windowS: config.RATE_LIMIT_WINDOW_S },
      tokenKeyOf,
    ),
  )
  return router
}
