import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const SERVICES = ['api', 'keeper', 'job', 'workflow', 'ingest']

/** The settings of a service that are milliseconds. */
const durationsOf = (service: string): string[] =>
  [...readFileSync(join(root, `services/${service}/config.ts`), 'utf8').matchAll(/^  ([A-Z_]+_MS): (\w+)/gm)].map(
    ([, name = '']) => name,
  )

test.each(SERVICES)('every duration of the %s service has a maximum, which is said', (service) => {
  const names = durationsOf(service)
  expect(names).not.toEqual([])
  const env = { ...process.env, ...Object.fromEntries(names.map((name) => [name, '9007199254740991'])) }
  const check = join(root, `services/${service}/check-settings.ts`)
  const { status, stderr } = spawnSync(process.execPath, [check], { env, encoding: 'utf8' })
  expect(status).toBe(2)
  for (const name of names) expect(stderr).toMatch(new RegExp(`${name}: must be at most \\d+, got`))
})

test('the settings of 30 days that a timer counts are refused, and those that nothing counts are not', () => {
  const env = { ...process.env, HOUSEKEEPING_MS: '2592000000', JOB_RETENTION_MS: '2592000000' }
  const check = join(root, 'services/keeper/check-settings.ts')
  const { status, stderr } = spawnSync(process.execPath, [check], { env, encoding: 'utf8' })
  expect({ status, stderr }).toMatchObject({ status: 2 })
  expect(stderr).toContain('HOUSEKEEPING_MS: must be at most 2147483647')
  expect(stderr).not.toContain('JOB_RETENTION_MS')
})

test('no setting that says milliseconds is a mere whole number', () => {
  for (const file of globSync('{services,shared}/**/*.ts', { cwd: root }).filter((name) => !name.includes('.test.')))
    expect(readFileSync(join(root, file), 'utf8')).not.toMatch(/_MS: integerSetting\(/)
})

test.each([
  ['timeout_ms: 30 * 86_400_000', 'policy.timeout_ms: must be at most 2147483647'],
  ['timeout_ms: Infinity', 'policy.timeout_ms'],
  ["backoff: { kind: 'fixed', base_ms: 1, max_ms: 9e15, jitter: 0 }", 'policy.backoff.max_ms'],
])('a policy of %s keeps the job service from starting, and is said', (policy, complaint) => {
  const dir = mkdtempSync(join(tmpdir(), 'hasty-policy-'))
  try {
    writeFileSync(
      join(dir, 'long.ts'),
      `export const handler = { type: 'long', policy: { ${policy} }, run: () => 'ok' }`,
    )
    const check = join(root, 'services/job/check-settings.ts')
    const env = { ...process.env, HANDLERS_DIR: dir }
    const { status, stderr } = spawnSync(process.execPath, [check], { env, encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(complaint) as string })
  } finally {
    rmSync(dir, { recursive: true })
  }
})
