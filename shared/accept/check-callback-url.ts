import { AppError } from '#shared/errors/app-error.ts'
import { BlockedUrlError, checkUrl } from '#shared/outbound/check-url.ts'

export interface CallbackRules {
  /** The setting CALLBACKS. */
  enabled: boolean
  /** `host:port` pairs of OUTBOUND_TRUSTED_HOSTS. */
  trustedHosts: ReadonlySet<string>
}

/**
 * Checks of a callback_url that are possible when it is given; the address that its name resolves to is checked at each
 * delivery.
 * @throws AppError callback-forbidden
 */
export function checkCallbackUrl(url: string, rules: CallbackRules): void {
  if (!rules.enabled) throw forbidden('callbacks are disabled on this server')
  try {
    checkUrl(url, rules)
  } catch (error) {
    if (error instanceof BlockedUrlError) throw forbidden(error.message, error)
    throw error
  }
}

const forbidden = (why: string, cause?: unknown): AppError =>
  new AppError('callback-forbidden', `The callback_url is not allowed: ${why}.`, {
    members: { errors: [{ pointer: '/callback_url', detail: why }] },
    cause,
  })
