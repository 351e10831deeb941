import { randomBytes } from 'node:crypto'
import { existsSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Environment } from '#shared/process/config.ts'

const SECRET_BYTES = 32

/**
 * The setting with the secret that signs webhooks: a user's own, or else one in the data folder, created at the first
 * start. Only for the holder of the folder's lock.
 */
export function webhookSecretEnv(dataDir: string, env: Environment): Environment {
  if (env.WEBHOOK_SECRET || env.WEBHOOK_SECRET_FILE) return {}
  const file = join(dataDir, 'webhook-secret')
  if (!existsSync(file)) {
    // Written completely first: a secret that was cut short would prevent every later start.
    const draft = `${file}.new`
    writeFileSync(draft, `whsec_${randomBytes(SECRET_BYTES).toString('base64')}\n`, { mode: 0o600 })
    renameSync(draft, file)
  }
  return { WEBHOOK_SECRET_FILE: file }
}
