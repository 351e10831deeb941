import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { JOBS_STREAM, KEYS_STREAM, SCHEDULES_STREAM } from '#shared/contracts/log/subjects.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { bodyRows, memberRows } from './body-rows.ts'
import { httpRows } from './http-rows.ts'
import { type Answer, openConnection } from './raw-connection.ts'
import { get } from './requests.ts'
import type { Row } from './row.ts'

// No worker runs, so the log holds only accepted jobs.
let hasty: Hasty
let nc: NatsConnection
let manager: JetStreamManager

beforeAll(async () => {
  hasty = await startInProcess({ jobs: 0, nginx: true })
  nc = await connect({ servers: hasty.nats.url })
  manager = await jetstreamManager(nc)
})

afterAll(async () => {
  await nc.close()
  await hasty.stop()
})

const rows = [...bodyRows, ...memberRows, ...httpRows]

describe.each(['api', 'nginx'] as const)('sent to %s', (door) => {
  const url = () => (door === 'api' ? (hasty.api[0]?.url ?? '') : hasty.url)

  test.each(rows)('$what is refused', async (row) => {
    const before = await stored()
    const request = typeof row.request === 'function' ? row.request() : row.request
    using connection = await openConnection(url())
    connection.write(request)
    const answer = await connection.read()
    checkRefusal(row, door === 'nginx' && row.nginx !== undefined ? row.nginx : row.expect, answer)
    expect(longestEcho(request, answer.body)).toBeLessThanOrEqual(100)
    expect(await stored()).toEqual(before)
    await checkAfterwards(url(), connection, answer)
  })
})

function checkRefusal(row: Row, verdict: string, answer: Answer): void {
  const problem = JSON.parse(answer.body) as Record<string, unknown>
  expect(`${answer.status} ${String(problem['code'])}`, answer.body).toBe(verdict)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(problem).toMatchObject({
    type: `/problems/${String(problem['code'])}`,
    status: answer.status,
    title: expect.any(String),
    detail: expect.any(String),
  })
  expect(answer.body).not.toMatch(/node_modules|\.ts\b|\bat \S+ \(/)
  if (row.pointer !== undefined) {
    expect(problem['errors']).toContainEqual(expect.objectContaining({ pointer: row.pointer }))
  }
  if (row.header !== undefined) expect(answer.headers.get(row.header[0])).toBe(row.header[1])
}

/**
 * Checks that the connection still serves, or that the server has announced its end and closes it; others never notice.
 */
async function checkAfterwards(url: string, connection: Awaited<ReturnType<typeof openConnection>>, answer: Answer) {
  if (answer.headers.get('connection') === 'close') {
    expect(await connection.rest).toBe('')
  } else {
    connection.write(get('/heartbeat'))
    expect(await connection.read()).toMatchObject({ status: 200 })
  }
  expect((await fetch(`${url}/heartbeat`)).status).toBe(200)
}

/** The number of messages ever stored: refused requests must not change it. */
async function stored(): Promise<number[]> {
  const streams = await Promise.all(
    [JOBS_STREAM, KEYS_STREAM, SCHEDULES_STREAM].map((name) => manager.streams.info(name)),
  )
  return streams.map(({ state }) => state.last_seq)
}

/** Length of the longest part of the answer that repeats the request, up to 101 characters. */
function longestEcho(request: Buffer, body: string): number {
  const sent = request.toString('utf8')
  for (let start = 0; start + 101 <= body.length; start++) if (sent.includes(body.slice(start, start + 101))) return 101
  return 0
}
