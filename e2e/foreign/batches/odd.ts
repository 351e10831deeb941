import { setTimeout as pause } from 'node:timers/promises'
import type { BatchMessage } from '../../../services/ingest/handlers/handler.ts'

const seen = new Set<string>()

/** Each first value of a batch says how it goes wrong. */
export async function run(messages: BatchMessage[]): Promise<unknown> {
  const [how = ''] = messages.map(({ value }) => (typeof value === 'string' ? value : ''))
  const isFirst = !seen.has(how)
  seen.add(how)
  if (how.startsWith('rows')) return messages.map(({ seq }) => ({ id: seq }))
  if (how === 'list') throw Object.assign(new Error('x'), { message: ['a', 'b'] })
  if (how === 'promise' && isFirst) {
    void Promise.reject(new Error('nobody awaits this'))
    await pause(10_000)
  }
  if (how === 'timer' && isFirst && process.env['FIRST_LIFE'] === 'true') {
    setTimeout(() => {
      throw new Error('in a timer')
    }, 10)
    await pause(10_000)
  }
  return 'whatever'
}
