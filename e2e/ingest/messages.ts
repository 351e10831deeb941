import { expect, vi } from 'vitest'
import { isoTime, SECOND } from '#shared/time/clock.ts'
import { postTo } from '../support/call.ts'

const START_MS = Date.parse('2026-11-22T18:00:00Z')

/** Messages of whole seconds, with their number as value. */
export const messagesFrom = (first: number, count: number): { timestamp: string; value: string }[] =>
  Array.from({ length: count }, (_, i) => ({
    timestamp: isoTime(START_MS + (first + i) * SECOND),
    value: String(first + i),
  }))

/** Sends them until they are accepted: under a key of their own, so that what was accepted unheard is not sent twice. */
export async function sendMessages(url: string, first: number, count: number): Promise<void> {
  const key = { 'Idempotency-Key': `messages-${first}` }
  const messages = messagesFrom(first, count)
  await vi.waitFor(async () => expect(await postTo(`${url}/message`, messages, key)).toMatchObject({ status: 201 }), {
    timeout: 30_000,
    interval: 50,
  })
}

export const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i)).toSorted()
