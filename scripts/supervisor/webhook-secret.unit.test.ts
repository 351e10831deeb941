import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { webhookSecretEnv } from './webhook-secret.ts'

test('a secret is made once, for its owner alone, unless there is one', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hasty-secret-'))
  try {
    expect(webhookSecretEnv(dir, { WEBHOOK_SECRET: 'whsec_x' })).toEqual({})
    expect(webhookSecretEnv(dir, { WEBHOOK_SECRET_FILE: '/secret' })).toEqual({})
    const file = join(dir, 'webhook-secret')
    expect(webhookSecretEnv(dir, {})).toEqual({ WEBHOOK_SECRET_FILE: file })
    const secret = await readFile(file, 'utf8')
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=\n$/)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(webhookSecretEnv(dir, {})).toEqual({ WEBHOOK_SECRET_FILE: file })
    expect(await readFile(file, 'utf8')).toBe(secret)
  } finally {
    await rm(dir, { recursive: true })
  }
})
