import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type ApiAnswer, getFrom, postTo } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'

let hasty: Hasty
beforeAll(async () => {
  hasty = await startInProcess({ apis: 2, nginx: true })
})
afterAll(() => hasty.stop())

let count = 0
async function make(payload: unknown): Promise<string> {
  const { status, body } = await postTo(hasty.url, { object_id: `conditional ${count++}`, payload })
  expect(status).toBe(201)
  return String(body['job_id'])
}

const untilStatus = (address: string, status: string): Promise<ApiAnswer> =>
  vi.waitFor(
    async () => {
      const answer = await getFrom(address)
      expect(answer.body['status']).toBe(status)
      return answer
    },
    { timeout: 10_000, interval: 50 },
  )

test('a job is there for every replica right after its 201', async () => {
  const urls = [...hasty.api.map(({ url }) => url), hasty.url]
  for (let i = 0; i < 20; i++) {
    const jobId = await make({ ms: 0 })
    const answers = await Promise.all(urls.map((url) => getFrom(`${url}/${jobId}`)))
    for (const answer of answers) expect(answer).toMatchObject({ status: 200, body: { job_id: jobId } })
  }
})

describe.each(['/', '/v1/jobs/'])('GET %s<id>', (path) => {
  test('with the ETag of what is there is 304 without a body, in every form of the header', async () => {
    const address = `${hasty.url}${path}${await make({ ms: 0 })}`
    const whole = await untilStatus(address, 'finished')
    const etag = whole.headers.get('etag') ?? ''
    expect(etag).toMatch(/^"\d+"$/)
    expect(whole.headers.get('cache-control')).toBe('no-cache')
    for (const sent of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await getFrom(address, { 'If-None-Match': sent })
      expect(answer).toMatchObject({ status: 304, body: {} })
      expect(answer.headers.get('etag')).toBe(etag)
      expect(answer.headers.get('cache-control')).toBe('no-cache')
    }
    for (const sent of ['"other"', etag.replaceAll('"', ''), '']) {
      expect(await getFrom(address, { 'If-None-Match': sent })).toMatchObject({ status: 200, body: whole.body })
    }
  })

  test('with an ETag of before is 200 once the job has moved, under the same ETag at every replica', async () => {
    const jobId = await make({ ms: 500 })
    const before = await getFrom(`${hasty.url}${path}${jobId}`)
    expect(before.headers.get('retry-after')).toBe('1')
    const after = await untilStatus(`${hasty.url}${path}${jobId}`, 'finished')
    expect(after.headers.get('retry-after')).toBeNull()
    const sent = { 'If-None-Match': before.headers.get('etag') ?? '' }
    for (const { url } of hasty.api) {
      const answer = await getFrom(`${url}${path}${jobId}`, sent)
      expect(answer).toMatchObject({ status: 200, body: after.body })
      expect(answer.headers.get('etag')).toBe(after.headers.get('etag'))
    }
  })

  test('as HEAD has the headers of GET and no body', async () => {
    const address = `${hasty.url}${path}${await make({ ms: 0 })}`
    const { headers } = await untilStatus(address, 'finished')
    const head = await fetch(address, { method: 'HEAD' })
    expect(head.status).toBe(200)
    expect(await head.text()).toBe('')
    for (const name of ['etag', 'content-type', 'content-length', 'cache-control']) {
      expect(head.headers.get(name), name).toBe(headers.get(name))
    }
    const sent = { method: 'HEAD', headers: { 'If-None-Match': headers.get('etag') ?? '' } }
    expect((await fetch(address, sent)).status).toBe(304)
  })

  test('of an id that nobody has is 404, as HEAD too', async () => {
    const address = `${hasty.url}${path}${'0'.repeat(25)}`
    expect(await getFrom(address, { 'If-None-Match': '*' })).toMatchObject({ status: 404 })
    const head = await fetch(address, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([404, ''])
  })
})
