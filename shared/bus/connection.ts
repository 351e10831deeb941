import { connect, createInbox, type NatsConnection, type ReconnectToServerHandler } from '@nats-io/transport-node'
import type { Logger } from '#shared/process/logger.ts'
import type { Clock } from '#shared/time/clock.ts'
import { Outbox } from './outbox.ts'

export interface BrokerOptions {
  url: string
  /** Name of the connection, which the broker's monitoring shows. */
  name: string
  user?: string | undefined
  password?: string | undefined
  clock: Clock
  log: Logger
}

/** The connection itself, which nothing outside this folder uses. */
export interface Connected {
  nc: NatsConnection
}

/** A connection that lasts as long as the process: it reconnects without limit and knows whether it is up. */
export interface Broker extends Connected {
  outbox: Outbox
  isUp(): boolean
  /** Largest size of a message in bytes, headers included; larger ones can never be sent. */
  maxPayload: number
  /** Monotonic time of the last (re)connect, milliseconds. */
  upSinceMs(): number
  /**
   * Calls the listener after each reconnect: messages on plain subscriptions were lost in between.
   * @returns a function that removes the listener
   */
  onReconnect(listener: () => void): () => void
  /** A subject below this user's own prefix, for replies. */
  newInbox(): string
  /** Resolves when the broker has everything that was sent so far; rejects when the connection is lost. */
  flush(): Promise<void>
  /** Closes the connection, and ends requests that wait for an answer. It may be called more than once. */
  close(): Promise<void>
  /**
   * Closes the connection only while the broker is away, when nobody would answer: for a service that stops and has
   * nothing to hand over.
   */
  closeIfAway(): Promise<void>
}

const RECONNECT_WAIT_MS = 200
/**
 * Room for a body of 1 MiB, escaped once more inside an event, and for what the event adds: with less, some jobs could
 * never be stored.
 */
const MIN_PAYLOAD_BYTES = 3 * 1024 * 1024
/** The password that compose uses where nothing else is set. */
const DEVELOPMENT_PASSWORD = 'development-only'

/** Takes the servers in turn, each again only after a pause with some jitter. */
function pauseBetweenDials(clock: Clock): ReconnectToServerHandler {
  const dialledAtMs = new Map<string, number>()
  return ([next]) => {
    if (next === undefined) return null
    const nowMs = clock.monotonic()
    const waitMs = RECONNECT_WAIT_MS * (1 + Math.random())
    const delay = Math.max(0, (dialledAtMs.get(next.listen) ?? Number.NEGATIVE_INFINITY) + waitMs - nowMs)
    dialledAtMs.set(next.listen, nowMs + delay)
    return { server: next, delay }
  }
}

/** @throws when the broker cannot be reached within 10 s, or its message limit is too small for Hasty */
export async function connectBroker(options: BrokerOptions): Promise<Broker> {
  if (options.password?.startsWith(DEVELOPMENT_PASSWORD)) {
    options.log.warn(
      { user: options.user },
      'NATS_PASSWORD is the development default, which anyone can know: set another',
    )
  }
  const inboxPrefix = options.user === undefined ? '_INBOX' : `_INBOX_${options.user}`
  const nc = await connect({
    servers: options.url.split(','),
    name: options.name,
    ...(options.user === undefined ? {} : { user: options.user }),
    ...(options.password === undefined ? {} : { pass: options.password }),
    // With an inbox prefix for each user, no service can read another's replies.
    inboxPrefix,
    timeout: 10_000,
    maxReconnectAttempts: -1,
    // The client's own pauses go by the wall clock: one that is set back would keep it from ever trying again.
    reconnectDelayHandler: () => Number.NEGATIVE_INFINITY,
    reconnectToServer: pauseBetweenDials(options.clock),
    // A peer that is silent for 2 x 2 s counts as gone, even where no packet says so.
    pingInterval: 2_000,
    maxPingOut: 2,
    ignoreAuthErrorAbort: true,
  })
  const { max_payload: maxPayload = 0 } = nc.info ?? {}
  if (maxPayload < MIN_PAYLOAD_BYTES) {
    await nc.close()
    throw new Error(`the broker's max_payload is ${maxPayload} bytes: Hasty needs ${MIN_PAYLOAD_BYTES} or more`)
  }
  const outbox = new Outbox(nc)
  const status = watchStatus(nc, options)
  return {
    nc,
    outbox,
    isUp: () => status.isUp && !nc.isClosed(),
    maxPayload,
    upSinceMs: () => status.upSinceMs,
    onReconnect(listener) {
      status.listeners.add(listener)
      return () => status.listeners.delete(listener)
    },
    newInbox: () => createInbox(inboxPrefix),
    flush() {
      outbox.flush()
      return nc.flush()
    },
    async close() {
      outbox.flush()
      if (status.isUp && !nc.isClosed()) await nc.flush().catch(() => undefined)
      await closeWithoutDialling(nc)
    },
    async closeIfAway() {
      if (!status.isUp) await closeWithoutDialling(nc)
    },
  }
}

interface ConnectionStatus {
  isUp: boolean
  upSinceMs: number
  /** Called after each reconnect. */
  listeners: Set<() => void>
}

/** Follows whether the connection is up, for as long as it exists. */
function watchStatus(nc: NatsConnection, { clock, log }: Pick<BrokerOptions, 'clock' | 'log'>): ConnectionStatus {
  const status: ConnectionStatus = { isUp: true, upSinceMs: clock.monotonic(), listeners: new Set() }
  const watch = async () => {
    for await (const change of nc.status()) {
      if (change.type === 'disconnect') {
        status.isUp = false
        failUnanswered(nc)
        log.warn('broker connection lost')
      } else if (change.type === 'reconnect') {
        status.isUp = true
        status.upSinceMs = clock.monotonic()
        failUnanswered(nc)
        log.info('broker connection is back')
        for (const listener of status.listeners) listener()
      } else if (change.type === 'error') {
        log.warn({ err: change.error }, 'broker reported an error')
      }
    }
  }
  watch().catch((error: unknown) => log.error({ err: error }, 'broker status ended'))
  return status
}

/** Parts of the client that its types do not show. */
type Internals = {
  muxSubscriptions: { close(): void }
  dial(server: unknown): Promise<void>
}
const internalsOf = (nc: NatsConnection): Internals => (nc as NatsConnection & { protocol: Internals }).protocol

/**
 * Ends requests that nobody will answer, when a connection breaks and when the next one is there: requests on the broken
 * connection are lost, and the client discards those made between two connections with each dial. They would wait for
 * their whole timeout, seconds after the broker is back.
 */
function failUnanswered(nc: NatsConnection): void {
  internalsOf(nc).muxSubscriptions.close()
}

/** Closes the client. In the pause between two dials it would dial once more otherwise, and keep a timer of 10 s. */
function closeWithoutDialling(nc: NatsConnection): Promise<void> {
  internalsOf(nc).dial = () => Promise.reject(new Error('the connection is closed'))
  return nc.close()
}
