import { gunzipSync } from 'node:zlib'
import { request } from 'undici'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Hasty, startInProcess } from '../support/hasty.ts'

let hasty: Hasty
beforeAll(async () => {
  hasty = await startInProcess({ nginx: true, jobs: 0 })
})
afterAll(() => hasty.stop())

/** Without a client that unpacks by itself. */
async function get(path: string, headers: Record<string, string> = {}) {
  const answer = await request(`${hasty.url}${path}`, { headers })
  return { status: answer.statusCode, headers: answer.headers, body: Buffer.from(await answer.body.arrayBuffer()) }
}

/** Addresses of the files that the page names. */
async function filesOf(path: string): Promise<string[]> {
  const { body } = await get(path)
  return [...body.toString().matchAll(/(?:href|src)="(\/ui\/-\/[^"]+)"/g)].map(([, address = '']) => address)
}

test('a browser at the root is led to the dashboard, and a program is told that jobs are posted there', async () => {
  const html = await get('/', { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' })
  expect([html.status, html.headers['location']]).toEqual([302, '/ui'])
  for (const accept of ['*/*', 'application/json']) expect((await get('/', { accept })).status).toBe(405)
})

test.each(['/ui', '/ui/', '/ui/jobs', '/ui/jobs/any/thing'])('%s is the page, also behind nginx', async (path) => {
  const { status, headers, body } = await get(path, { accept: 'text/html' })
  expect([status, headers['content-type'], headers['cache-control']]).toEqual([
    200,
    'text/html; charset=utf-8',
    'no-cache',
  ])
  expect(body.toString()).toContain('<script type="importmap">')
  const policy = String(headers['content-security-policy'])
  expect(policy).toMatch(/^default-src 'none'; script-src 'self' 'sha256-[^' ]+'; style-src 'self'; /)
  expect(policy).toContain("; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; ")
  expect(policy).toMatch(/frame-ancestors 'none'; require-trusted-types-for 'script'$/)
  expect(policy).not.toContain('unsafe')
})

test('every file that the page names can be kept for ever, and comes compressed to who asks for that', async () => {
  const files = await filesOf('/ui')
  expect(files.length).toBeGreaterThan(20)
  for (const file of files) {
    const plain = await get(file)
    expect([file, plain.status, plain.headers['cache-control']]).toEqual([
      file,
      200,
      'public, max-age=31536000, immutable',
    ])
    const packed = await get(file, { 'accept-encoding': 'gzip' })
    expect(packed.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' })
    expect(gunzipSync(packed.body).equals(plain.body)).toBe(true)
    expect(packed.headers['etag']).not.toBe(plain.headers['etag'])
  }
})

test('a browser is told at once of all that the asked screen needs, and of nothing of other screens', async () => {
  const named = async (path: string) => (await filesOf(path)).map((file) => file.replace(/^\/ui\/-\/[^/]+\//, ''))
  const [jobs, job, nothing] = [await named('/ui/jobs'), await named('/ui/jobs/abc'), await named('/ui/nowhere')]
  expect(jobs).toContain('ui/screens/jobs/filter-bar.ts')
  expect(job).toContain('ui/screens/job/gantt.ts')
  expect(job).not.toContain('ui/screens/jobs/filter-bar.ts')
  expect(nothing).toContain('ui/main.ts')
  expect(nothing.filter((file) => file.startsWith('ui/screens/'))).toEqual([])
})

test('what a browser has already is not sent again', async () => {
  const first = await get('/ui')
  const second = await get('/ui', { 'if-none-match': String(first.headers['etag']) })
  expect([second.status, second.body.length]).toEqual([304, 0])
})

test('a file of another version comes as this one has it, and is not kept; a file of none is a 404', async () => {
  const [file = ''] = (await filesOf('/ui')).filter((address) => address.endsWith('ui/main.ts'))
  const other = await get(file.replace(/\/-\/[^/]+/, '/-/another'))
  expect([other.status, other.headers['cache-control']]).toEqual([200, 'no-store'])
  expect((await get(file.replace('main.ts', 'nothing.ts'))).status).toBe(404)
})

test.each([
  'services/api/main.ts',
  'package.json',
  '..%2f..%2fpackage.json',
  'shared/process/config.ts',
  'ui/screens/jobs.unit.test.ts',
])('the file %s is not a part of the page', async (path) => {
  expect((await get(`/ui/-/any/${path}`)).status).toBe(404)
})

test('no type is left in a file, and no address of a source map', async () => {
  for (const file of await filesOf('/ui')) {
    const text = (await get(file)).body.toString()
    expect(text).not.toMatch(/^(import|export) type /m)
    expect(text).not.toContain('sourceMappingURL')
  }
})
