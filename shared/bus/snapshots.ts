import { jetstreamManager, type StreamConfig, type StreamInfo } from '@nats-io/jetstream'
import type { Msg } from '@nats-io/transport-node'
import { SECOND } from '#shared/time/clock.ts'
import { CONSUMER_NOT_FOUND, found } from './broker-codes.ts'
import type { Broker } from './connection.ts'

/** The settings and the state of a stream at the moment of its snapshot, as the broker wants them back. */
export interface SnapshotHead {
  config: StreamConfig
  state: StreamInfo['state']
}

const CHUNK_BYTES = 128 * 1024
/** Longest time without a word from the broker, milliseconds: it first writes the consumers of a large stream. */
const SILENT_MS = 60 * SECOND
/** Codes of the last message of a snapshot that did not work begin here. */
const FAILED_FROM = 400

interface Answer extends Partial<SnapshotHead> {
  error?: { description?: string }
  deliver_subject?: string
}

/**
 * Reads a stream at one moment, with its consumers and how far each has come.
 * @param onChunk gets the bytes in order; the next ones are sent when it has resolved
 * @throws when the stream does not exist, or the broker falls silent
 */
export async function readSnapshot(
  broker: Broker,
  stream: string,
  onChunk: (bytes: Uint8Array) => Promise<void>,
): Promise<SnapshotHead> {
  const { nc } = broker
  const inbox = broker.newInbox()
  const chunks = nc.subscribe(inbox)
  const watchdog = new Watchdog(() => chunks.unsubscribe())
  try {
    const request = { deliver_subject: inbox, chunk_size: CHUNK_BYTES, no_consumers: false, jsck: false }
    const { config, state } = await ask(nc, `$JS.API.STREAM.SNAPSHOT.${stream}`, JSON.stringify(request))
    if (config === undefined || state === undefined) throw new Error(`the broker did not describe the stream ${stream}`)
    watchdog.feed()
    for await (const message of chunks) {
      const code = message.headers?.code ?? 0
      if (code >= FAILED_FROM) throw new Error(`the snapshot of ${stream} failed: ${message.headers?.description}`)
      if (message.data.length === 0) return { config, state }
      await onChunk(message.data)
      message.respond()
      watchdog.feed()
    }
    throw new Error(`the broker fell silent in the middle of the snapshot of ${stream}`)
  } finally {
    watchdog.stop()
    chunks.unsubscribe()
  }
}

/**
 * Creates a stream as it was when its snapshot was taken.
 * @throws when the stream exists, or the broker does not take the snapshot
 */
export async function restoreSnapshot(
  { nc }: Broker,
  { config, state }: SnapshotHead,
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  const { name } = config
  const { deliver_subject: target } = await ask(nc, `$JS.API.STREAM.RESTORE.${name}`, JSON.stringify({ config, state }))
  if (target === undefined) throw new Error(`the broker did not say where the snapshot of ${name} should go`)
  for await (const chunk of chunks) {
    for (let start = 0; start < chunk.length; start += CHUNK_BYTES)
      await ask(nc, target, chunk.subarray(start, start + CHUNK_BYTES))
  }
  const { state: restored } = await ask(nc, target, '')
  // Not their number: some expire on the way.
  if (restored?.last_seq !== state.last_seq)
    throw new Error(`the broker has ${name} up to message ${restored?.last_seq} of ${state.last_seq}`)
}

/** The names of the streams that the broker has. */
export async function streamNames({ nc }: Broker): Promise<string[]> {
  const manager = await jetstreamManager(nc, { checkAPI: false })
  const names: string[] = []
  for await (const name of manager.streams.names()) names.push(name)
  return names
}

/** Removes a consumer, so that setup makes it anew and it delivers everything again. */
export async function forgetConsumer({ nc }: Broker, stream: string, consumer: string): Promise<void> {
  const manager = await jetstreamManager(nc, { checkAPI: false })
  await found(() => manager.consumers.delete(stream, consumer), CONSUMER_NOT_FOUND)
}

async function ask(nc: Broker['nc'], subject: string, body: string | Uint8Array): Promise<Answer> {
  const answer = readAnswer(await nc.request(subject, body, { timeout: SILENT_MS }))
  if (answer.error !== undefined) throw new Error(answer.error.description ?? 'the broker refused this')
  return answer
}

/** An empty message says that a chunk has arrived. */
const readAnswer = (message: Msg): Answer => (message.data.length === 0 ? {} : message.json<Answer>())

/** Ends something that was not fed for too long. */
class Watchdog {
  readonly #end: () => void
  #timer: NodeJS.Timeout | undefined

  constructor(end: () => void) {
    this.#end = end
  }

  feed(): void {
    this.stop()
    this.#timer = setTimeout(this.#end, SILENT_MS)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
