import { execFile, spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { signToken } from '#shared/auth/sign-token.ts'
import { findOnPath } from '../../scripts/servers/run-command.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { type FolderServer, serveFolder } from './serve-folder.ts'

// Each example as its reader runs it: against a server that requires tokens, from outside.

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const JWT_SECRET = 'only for the tests of the examples'

let hasty: Hasty
let dir: string
let pages: FolderServer
let token: string

/** A page that presses its own button and reports its text. */
const pressAndReport = `<script type="module">
  const log = document.querySelector('pre')
  new MutationObserver(() => fetch('/', { method: 'POST', body: log.textContent })).observe(log, { childList: true })
  document.querySelector('button').click()
</script>`

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hasty-examples-'))
  await cp(join(root, 'examples/browser'), dir, { recursive: true })
  await run(process.execPath, [join(root, 'scripts/build-client.ts'), join(dir, 'hasty-client')])
  pages = await serveFolder(dir, (html) =>
    html.replace('name="token"', `name="token" value="${token}"`).replace('</body>', `${pressAndReport}</body>`),
  )
  hasty = await startInProcess({ nginx: true, apiEnv: { AUTH: 'required', JWT_SECRET, CORS_ORIGINS: pages.url } })
  const caller = { subject: 'reader', scopes: ['jobs:read', 'jobs:write'], tenant: null } as const
  const about = { issuer: 'hasty', audience: 'hasty', tenantClaim: 'tenant', ttlS: 600, nowMs: Date.now() }
  token = await signToken(caller, { secret: JWT_SECRET, ...about })
})
afterAll(async () => {
  await hasty?.stop()
  await pages?.[Symbol.asyncDispose]()
  await rm(dir, { recursive: true, force: true })
})

interface Ran {
  code: number
  stdout: string
  stderr: string
}

async function example(command: string, args: string[], env: Record<string, string>): Promise<Ran> {
  const options = { cwd: root, env: { ...process.env, HASTY_URL: hasty.url, HASTY_TOKEN: token, ...env } }
  try {
    return { code: 0, ...(await run(command, args, options)) }
  } catch (error) {
    const { code, stdout, stderr } = error as Ran
    return { code, stdout, stderr }
  }
}

/** The reason why a test cannot run here; '' when it can. */
const missing = (...commands: string[]): string => {
  const absent = commands.filter((command) => findOnPath(command) === undefined)
  return absent.length === 0 ? '' : ` (not run: no ${absent.join(', no ')} here)`
}

describe.each([
  ['run-job.sh', 'bash', ['examples/run-job.sh'], missing('bash', 'curl')],
  ['run-job.ts', process.execPath, ['examples/run-job.ts'], ''],
  ['run-job.py', 'python3', ['examples/run-job.py'], missing('python3')],
  ['run-job.go', 'go', ['run', 'examples/run-job.go'], missing('go')],
])('%s', (name, command, args, reason) => {
  // Without `.go` at its end: `go run` would take it for another file.
  const objectId = `${name} of the test`
  test.skipIf(reason !== '')(`prints the result${reason}`, async () => {
    const first = await example(command, [...args, objectId], {})
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(first.stdout).toMatch(/^(Job \w+: finished\n)?Result: 21\n$/)
  })

  test.skipIf(reason !== '')(`says that it needs a token${reason}`, async () => {
    const { code, stdout, stderr } = await example(command, [...args, objectId], { HASTY_TOKEN: '' })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^token-required: .+\n/)
  })
})

describe.each([
  ['send-messages.sh', 'bash', ['examples/send-messages.sh'], '{"accepted":4}\n', missing('bash', 'curl')],
  ['send-messages.ts', process.execPath, ['examples/send-messages.ts', '1'], '10 messages accepted\n', ''],
])('%s', (_name, command, args, said, reason) => {
  test.skipIf(reason !== '')(`sends messages, and says that it needs a token${reason}`, async () => {
    expect(await example(command, args, {})).toEqual({ code: 0, stdout: said, stderr: '' })
    const refused = await example(command, args, { HASTY_TOKEN: '' })
    expect(refused.code).toBeGreaterThan(0)
    expect(refused.stdout + refused.stderr).toContain('token-required')
  })
})

describe('the page', () => {
  test('finds all that it imports beside it', async () => {
    const seen = new Set<string>()
    const visit = async (url: string) => {
      if (seen.has(url)) return
      seen.add(url)
      const response = await fetch(url)
      expect({ url, status: response.status }).toEqual({ url, status: 200 })
      const imports = [...(await response.text()).matchAll(/(?:from|import) '(\.\/[^']+)'/g)]
      for (const [, path = ''] of imports) await visit(new URL(path, url).href)
    }
    await visit(`${pages.url}/index.html`)
    expect([...seen]).toEqual(expect.arrayContaining([`${pages.url}/hasty-client/hasty.js`]))
  })

  test('runs a job with that script, also in Node', async () => {
    type Page = { runJob: (settings: Record<string, string>, say: (text: string) => void) => Promise<string> }
    const { runJob } = (await import(pathToFileURL(join(dir, 'run-job.js')).href)) as Page
    const said: string[] = []
    const settings = { url: hasty.url, token, objectId: 'of the script' }
    expect(await runJob(settings, (text) => said.push(text))).toBe('Result: 21')
    expect(said).toEqual(['job:created', 'job:started', 'job:finished'])
  })

  test('may ask from its own origin, and no other page may', async () => {
    const ask = (origin: string) =>
      fetch(`${hasty.url}/v1/jobs`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type,idempotency-key',
        },
      })
    const allowed = (await ask(pages.url)).headers
    expect(allowed.get('access-control-allow-origin')).toBe(pages.url)
    expect(allowed.get('access-control-allow-headers')?.toLowerCase()).toContain('idempotency-key')
    expect((await ask('http://elsewhere.example')).headers.get('access-control-allow-origin')).toBeNull()
  })

  const browser = ['chromium', 'chromium-headless-shell', 'google-chrome', 'firefox'].find((name) => findOnPath(name))
  const reason = browser === undefined ? ' (not run: no chromium and no firefox here)' : ''
  test.skipIf(browser === undefined)(`runs a job in a browser of another origin${reason}`, async () => {
    const page = `${pages.url}/index.html?url=${encodeURIComponent(hasty.url)}&objectId=browser`
    const profile = join(dir, 'profile')
    const args =
      browser === 'firefox'
        ? ['--headless', '--profile', profile, page]
        : ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${profile}`, page]
    await mkdir(profile)
    const child = spawn(findOnPath(browser ?? '') ?? '', args, { stdio: 'ignore', detached: true })
    try {
      await vi.waitFor(() => expect(pages.reports.at(-1)).toContain('Result: 21'), { timeout: 60_000 })
    } finally {
      process.kill(-(child.pid ?? 0), 'SIGKILL')
    }
  })
})
