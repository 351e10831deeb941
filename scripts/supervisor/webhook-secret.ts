import { randomBytes } from 'node:crypto'
import { existsSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Environment } from '#shared/process/config.ts'

const SECRET_BYTES = 32

/**
 * The setting that tells the job services which secret signs webhooks: a user's own, or else one in the data folder,
 * made at the first start. Only for who holds the folder's lock.
 */
export function webhookSecretEnv(dataDir: string, env: Environment): Environment {
  if (env.WEBHOOK_SECRET || env.WEBHOOK_SECRET_FILE) return {}
  const file = join(dataDir, 'webhook-secret')
  if (!existsSync(file)) {
    // Made whole first: a secret that was cut short would stop every later start.
    const draft = `${file}.new`
    writeFileSync(draft, `whsec_${randomBytes(SECRET_BYTES).toString('base64')}\n`, { mode: 0o600 })
    renameSync(draft, file)
  }
  return { WEBHOOK_SECRET_FILE: file }
}
