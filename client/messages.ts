import type {
  DeadMessageList,
  DeadMessageView,
  MessagesAccepted,
  MessagesRedriven,
  MessageWorkers,
} from './contracts.ts'
import { eachItem } from './each-item.ts'
import type { CallOptions, ChangeOptions } from './job-request.ts'
import { sendRequest, type Transport } from './request.ts'

/** One message as it is sent. */
export interface NewMessage {
  /** A Date, or RFC 3339; without a key it decides which shard the message goes to. */
  timestamp: Date | string
  /** Any JSON value of up to 64 KiB. */
  value?: unknown
  /** The source: its messages keep their order. */
  key?: string | undefined
}

export interface DeadMessagesOptions extends CallOptions {
  /** Only messages of this shard. */
  shard?: number | undefined
  /** Messages per page, 1 to 200; 50 by default. */
  limit?: number | undefined
}

export interface RedriveMessagesOptions extends ChangeOptions {
  /** Only messages of this shard. */
  shard?: number | undefined
  /** Largest number of messages, up to 1,000. */
  limit?: number | undefined
  /** `until` of the previous answer: messages that died since are left alone. */
  until?: number | undefined
}

export const sendMessages = (
  transport: Transport,
  messages: readonly NewMessage[],
  { idempotencyKey, signal }: ChangeOptions,
): Promise<MessagesAccepted> =>
  sendRequest(transport, { method: 'POST', path: '/message', body: messages, idempotencyKey, signal })

export const showMessageWorkers = (transport: Transport, { signal }: CallOptions): Promise<MessageWorkers> =>
  sendRequest(transport, { method: 'GET', path: '/v1/message/workers', signal })

export function listDeadMessages(
  transport: Transport,
  { shard, limit, signal }: DeadMessagesOptions,
): AsyncGenerator<DeadMessageView, void, undefined> {
  return eachItem((cursor) => {
    const query = { shard: shard?.toString(), limit: limit?.toString(), cursor }
    return sendRequest<DeadMessageList>(transport, { method: 'GET', path: '/v1/message/dead', query, signal })
  })
}

export const redriveMessages = (
  transport: Transport,
  { shard, limit, until, idempotencyKey, signal }: RedriveMessagesOptions,
): Promise<MessagesRedriven> =>
  sendRequest(transport, {
    method: 'POST',
    path: '/v1/message/dead/redrive',
    body: { shard, limit, until },
    idempotencyKey,
    signal,
  })
