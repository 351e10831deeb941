import { expect, test, vi } from 'vitest'
import { bearer, SECRET, tokenOf } from '../auth/tokens.ts'
import { postTo } from '../support/call.ts'
import { startInProcess } from '../support/hasty.ts'

const tokenFor = async (tenant: string) => bearer(await tokenOf('s', { claims: { tenant } }))

test.each([
  ['another tenant', 'umbrella', ''],
  ['another type', 'acme', '?type=multiply'],
])(
  'a reader while all events are of %s is told how far the log is, and does not fall behind',
  async (_, reader, query) => {
    await using hasty = await startInProcess({ jobs: 0, apiEnv: { AUTH: 'required', JWT_SECRET: SECRET } })
    const [acme, own] = await Promise.all([tokenFor('acme'), tokenFor(reader)])
    const leaving = new AbortController()
    const response = await fetch(`${hasty.url}/v1/events${query}`, {
      headers: { ...own, accept: 'text/event-stream' },
      signal: leaving.signal,
    })
    let text = ''
    const reading = (async () => {
      for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) text += piece
    })().catch(() => undefined)
    let made = 0
    await vi.waitFor(
      async () => {
        const job = { object_id: `foreign-${made++}`, type: 'sleep' }
        expect(await postTo(`${hasty.url}/v1/jobs`, job, acme)).toMatchObject({ status: 201 })
        const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))
        expect(ids.length).toBeGreaterThanOrEqual(2)
        expect(ids.at(-1)).toBeGreaterThan(ids[0] ?? Infinity)
      },
      { timeout: 40_000, interval: 500 },
    )
    expect(made).toBeGreaterThan(10)
    expect(text).not.toContain('data:')
    leaving.abort()
    await reading
  },
)
