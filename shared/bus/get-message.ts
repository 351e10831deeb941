import type { Broker } from './connection.ts'

export interface StreamMessage {
  subject: string
  seq: number
  /** When the broker stored the message, ISO 8601. */
  time: string
  headers: Map<string, string>
  body: string
}

export type MessageQuery =
  | { seq: number }
  | { last_by_subj: string }
  | { seq: number; next_by_subj: string }
  | { start_time: string; next_by_subj: string }

interface GetAnswer {
  message?: { subject: string; seq: number; time: string; hdrs?: string; data?: string }
  error?: { err_code?: number; code?: number; description?: string }
}

const NO_MESSAGE = 10037
const READ_TIMEOUT_MS = 1_500

/**
 * One message of a stream, read from its leader.
 * @throws when the broker does not answer
 */
export async function getMessage(broker: Broker, stream: string, query: MessageQuery): Promise<StreamMessage | null> {
  const reply = await broker.nc.request(`$JS.API.STREAM.MSG.GET.${stream}`, JSON.stringify(query), {
    timeout: READ_TIMEOUT_MS,
  })
  const answer = reply.json<GetAnswer>()
  if (answer.error !== undefined) {
    if (answer.error.err_code === NO_MESSAGE || answer.error.code === 404) return null
    throw new Error(`reading ${stream}: ${answer.error.description ?? 'refused'}`)
  }
  if (answer.message === undefined) return null
  const { subject, seq, time, hdrs, data } = answer.message
  return {
    subject,
    seq,
    time,
    headers: parseHeaders(hdrs),
    body: data === undefined ? '' : Buffer.from(data, 'base64').toString('utf8'),
  }
}

function parseHeaders(base64: string | undefined): Map<string, string> {
  const headers = new Map<string, string>()
  if (base64 === undefined) return headers
  const lines = Buffer.from(base64, 'base64').toString('utf8').split('\r\n')
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.set(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  return headers
}
