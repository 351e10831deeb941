import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findSchemathesis } from '../../scripts/servers/schemathesis.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'

// schemathesis makes requests of all kinds out of our own description, good and bad ones, and holds every answer
// against it: no 5xx, no status, media type or member that the description does not have.

const command = await findSchemathesis().catch((error: unknown) => new Error('no schemathesis', { cause: error }))

describe.skipIf(command instanceof Error)('schemathesis', () => {
  let hasty: Hasty
  beforeAll(async () => {
    hasty = await startInProcess({
      apis: 1,
      jobs: 1,
      workflows: 1,
      env: { COOLDOWN_MS: '1000', SLEEP_MIN_MS: '1', SLEEP_MAX_MS: '5' },
    })
  })
  afterAll(() => hasty.stop())

  test('finds nothing in the answers that the description does not say', async () => {
    const config = join(import.meta.dirname, 'schemathesis.toml')
    // Deterministic: the same requests every time.
    const how = '--max-examples 10 --workers 1 --request-timeout 70 --generation-deterministic'.split(' ')
    const args = ['--no-color', '--config-file', config, 'run', `${hasty.url}/openapi.json`, ...how]
    const { exitCode, output } = await run(String(command), hasty.dir, args)
    expect(exitCode, output).toBe(0)
    // The test must not pass because nothing was tried.
    expect(Number(/(\d+) generated/.exec(output)?.[1])).toBeGreaterThan(500)
  })
})

async function run(file: string, cwd: string, args: string[]): Promise<{ exitCode: number | null; output: string }> {
  const child = spawn(file, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  const chunks: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  const [exitCode] = (await once(child, 'close')) as [number | null]
  return { exitCode, output: Buffer.concat(chunks).toString() }
}
