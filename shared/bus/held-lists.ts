import { HELD_LISTS, holdsSubject, JOBS_STREAM } from '#shared/contracts/log/subjects.ts'
import { SECOND } from '#shared/time/clock.ts'
import { consumerInfoSubject } from './api-subjects.ts'
import type { Broker } from './connection.ts'
import { type HeldList, readHeldList } from './held-list.ts'

const NO_RESPONDERS = 503
const ANSWER_WITHIN_MS = 2 * SECOND

/** The server of the broker that this process is connected to; it changes with a reconnect to another one. */
export const serverId = (broker: Broker): string => broker.nc.info?.server_id ?? ''

export const tellHeld = (broker: Broker, list: HeldList): void => broker.nc.publish(HELD_LISTS, JSON.stringify(list))

export interface HeldListener {
  onList: (list: HeldList) => void
  /** Called when this user may not hear the lists. */
  onDenied: () => void
}

/** Hears all lists, its own included. */
export function hearHeld(broker: Broker, { onList, onDenied }: HeldListener): void {
  broker.nc.subscribe(HELD_LISTS, {
    callback: (error: Error | null, message) => {
      if (error !== null) onDenied()
      else {
        const list = readHeldList(message.string())
        if (list !== null) onList(list)
      }
    },
  })
}

/**
 * Finds out whether a worker's connection is gone. The worker itself does not answer, so that it is hardly woken: the
 * broker does if nobody listens any more.
 */
export class AbsenceAsker {
  readonly #broker: Broker
  readonly #inbox: string
  readonly #onAbsent: (workerId: string) => void
  #asked = 0
  /** The numbers of the questions that were answered. */
  readonly #answered = new Set<number>()

  /** @param onAbsent called for each glance that meets nobody */
  constructor(broker: Broker, onAbsent: (workerId: string) => void) {
    this.#broker = broker
    this.#inbox = broker.newInbox()
    this.#onAbsent = onAbsent
    broker.nc.subscribe(`${this.#inbox}.*.*`, {
      callback: (error: Error | null, message) => {
        if (error !== null || message.headers?.code !== NO_RESPONDERS) return
        const [number, workerId] = message.subject.slice(this.#inbox.length + 1).split('.')
        if (number === GLANCE) this.#onAbsent(workerId ?? '')
        else this.#answered.add(Number(number))
      },
    })
  }

  /** Asks without waiting. */
  glance(workerId: string): void {
    this.#broker.nc.publish(holdsSubject(workerId), '', { reply: `${this.#inbox}.${GLANCE}.${workerId}` })
  }

  /** @throws when the connection is lost */
  async isAbsent(workerId: string): Promise<boolean> {
    const number = ++this.#asked
    this.#broker.nc.publish(holdsSubject(workerId), '', { reply: `${this.#inbox}.${number}.${workerId}` })
    // The broker answers in the order of the questions: had it met nobody, it would have said so before.
    await this.#broker.nc.flush()
    return this.#answered.delete(number)
  }
}

const GLANCE = 'glance'

/** Hands a delivery back, whoever has it: the broker delivers it again at once, unless it was settled. */
export const handBackDelivery = (broker: Broker, ackSubject: string): void => broker.nc.publish(ackSubject, '-NAK')

interface ConsumerAnswer {
  /** The broker's time. */
  ts?: string
  delivered?: { consumer_seq: number }
}

/** What the broker says of a consumer of the log, or that there is none. @throws when it does not answer */
export async function askConsumer(broker: Broker, consumer: string): Promise<ConsumerAnswer> {
  const answer = await broker.nc.request(consumerInfoSubject(consumer), '', { timeout: ANSWER_WITHIN_MS })
  return answer.json<ConsumerAnswer>()
}

/**
 * Makes the ack subjects of a lane's deliveries. The broker looks only at the message's sequence, and whether a delivery
 * of that number can be open: the last one's can.
 * @returns null where there is no such lane
 */
export async function ackSubjects(broker: Broker, consumer: string): Promise<((seq: number) => string) | null> {
  const { delivered } = await askConsumer(broker, consumer)
  if (delivered === undefined) return null
  return (seq) => `$JS.ACK.${JOBS_STREAM}.${consumer}.1.${seq}.${delivered.consumer_seq}.0.0`
}
