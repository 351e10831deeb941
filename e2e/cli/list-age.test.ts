// What the command line says of the age of lists: the server is one whose store is behind.
import { expect, test } from 'vitest'
import { type HttpTarget, startHttpTarget } from '../support/http-target.ts'
import { runCli } from './run-cli.ts'

const AGE = { as_of: '2026-11-22T12:00:03.000Z', lag_ms: 7_000 }
const BEHIND = 'As of 2026-11-22T12:00:03.000Z, 7 s ago: the store is behind.\n'

/** A server that answers everything with these members. */
const startServer = (answer: Record<string, unknown>): Promise<HttpTarget> =>
  startHttpTarget((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ ...AGE, ...answer }))
  })

test('a list of requests from a store that is behind says so on stderr', async () => {
  await using server = await startServer({ items: [], next_cursor: null })
  const list = await runCli(`http://${server.host}`, ['requests', 'list'])
  expect(list).toMatchObject({ code: 0, stdout: '', stderr: `${BEHIND}No requests match.\n` })
})
