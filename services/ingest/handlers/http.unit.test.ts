import { expect, test } from 'vitest'
import type { OutboundAnswer } from '#shared/outbound/call-out.ts'
import type { BatchContext } from './handler.ts'
import { httpHandler } from './http.ts'

const runWith = async (text: string, more: Partial<OutboundAnswer> = {}): Promise<unknown> => {
  const callOut = () => Promise.resolve({ status: 200, headers: {}, text, truncated: false, ...more })
  return httpHandler({ url: new URL('http://127.0.0.1/'), callOut, timeoutMs: 1_000 }).run([], {} as BatchContext)
}

test.each([
  ['', ''],
  ['<html>thanks</html>', '<html>thanks</html>'],
  ['{"inserted": 2}', { inserted: 2 }],
  ['{"outcomes": ["done"]}', { outcomes: ['done'] }],
])('an answer %j is taken as it is', async (text, answer) => {
  expect(await runWith(text)).toEqual(answer)
})

test.each([['{"outcomes": ["done", {"failed": "no such customer"},]}'], ['{"outcomes": ["done", {"fail']])(
  'outcomes that cannot be read (%j) do not count as done',
  async (text) => {
    await expect(runWith(text)).rejects.toThrow('outcomes are no JSON')
  },
)
