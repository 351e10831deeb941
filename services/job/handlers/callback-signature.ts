import { createHmac } from 'node:crypto'
import { optionalText } from '#shared/process/config.ts'

/** Length of a secret in bytes, as Standard Webhooks requires. */
const SECRET_BYTES = { min: 24, max: 64 } as const
/** Number of secrets: the current one and its replacement. */
const SECRETS_MAX = 2

/** `whsec_<base64>`, or two of them while a secret is changed: webhooks then carry both signatures. */
export const webhookSecretsSetting = () =>
  optionalText().transform((text, context): readonly Buffer[] => {
    const secrets = (text ?? '').split(/[\s,]+/).filter((part) => part !== '')
    const keys = secrets.map(keyOf)
    const { min, max } = SECRET_BYTES
    if (keys.includes(null)) {
      context.addIssue({ code: 'custom', message: `expected whsec_ and base64 of ${min} to ${max} bytes` })
    }
    if (secrets.length > SECRETS_MAX) context.addIssue({ code: 'custom', message: `expected at most ${SECRETS_MAX}` })
    return keys.filter((key) => key !== null)
  })

/** Whether the secret is the one that compose uses where nothing else is set. */
export const isDevelopmentSecret = (key: Buffer): boolean => key.toString().startsWith('development-only')

function keyOf(secret: string): Buffer | null {
  const base64 = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret)?.[1]
  if (base64 === undefined) return null
  const key = Buffer.from(base64, 'base64')
  return key.length >= SECRET_BYTES.min && key.length <= SECRET_BYTES.max ? key : null
}

/**
 * The headers of Standard Webhooks 1.0.
 * @param nowMs wall clock: a receiver refuses webhooks older than some minutes, so each attempt is signed anew
 */
export function signatureHeaders(
  secrets: readonly Buffer[],
  webhookId: string,
  nowMs: number,
  body: string,
): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1000))
  const sign = (key: Buffer) =>
    `v1,${createHmac('sha256', key).update(`${webhookId}.${timestamp}.${body}`).digest('base64')}`
  return {
    'webhook-id': webhookId,
    'webhook-timestamp': timestamp,
    'webhook-signature': secrets.map(sign).join(' '),
  }
}
