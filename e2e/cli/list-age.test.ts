// What the command line says of the age of lists: the server is one whose store is behind.
import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { watchInterrupts } from '../../cli/interrupts.ts'
import { makeOutput } from '../../cli/output.ts'
import { runProgram } from '../../cli/program.ts'
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

const CHANGED = { matched: 3, skipped: 0, redriven: 3, cancelled: 3, next_cursor: null, items: [] }

/** The program with somebody who says yes. @returns what stands on stderr */
async function runAsked(url: string, args: string[]): Promise<string> {
  const [stdout, stderr] = [new PassThrough().resume(), new PassThrough()]
  const streams = { stdout, stderr } as unknown as Pick<NodeJS.Process, 'stdout' | 'stderr'>
  const code = await runProgram([...args, '--url', url], {
    version: 'of the test',
    env: {},
    makeOutput: (options) => makeOutput({ ...streams, ...options }),
    interrupts: watchInterrupts(new EventEmitter()),
    readStdin: () => Promise.reject(new Error('nothing is read')),
    ask: (question) => {
      stderr.write(`${question}\n`)
      return Promise.resolve('y')
    },
  })
  expect(code).toBe(0)
  stderr.end()
  return text(stderr)
}

test.each([
  ['redrive', 'Retry 3 failed jobs? [y/N] \n'],
  ['cancel', 'Cancel 3 jobs? [y/N] \n'],
])('%s says once how old the list is, before it asks', async (verb, question) => {
  await using server = await startServer(CHANGED)
  const args = [verb, '--tag', 'a', ...(verb === 'redrive' ? ['--status', 'failed'] : [])]
  expect(await runAsked(`http://${server.host}`, args)).toBe(BEHIND + question)
  const unasked = await runCli(`http://${server.host}`, [...args, '--yes'])
  expect(unasked).toMatchObject({ code: 0, stderr: BEHIND })
})
