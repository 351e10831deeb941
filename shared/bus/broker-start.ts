import { z } from 'zod'
import { BROKER_START, PROBES_STREAM } from '#shared/contracts/log/subjects.ts'
import type { Clock } from '#shared/time/clock.ts'
import type { Broker } from './connection.ts'
import { Records } from './records.ts'
import type { Stream } from './stream.ts'

/** `last_seq`: the log's last sequence when a service first saw this server, which has a new id after each start. */
const startSchema = z.object({ server_id: z.string(), last_seq: z.number().int().min(0) })
type Start = z.infer<typeof startSchema>

export interface BrokerStartDeps {
  broker: Broker
  clock: Clock
  /** The log of jobs. */
  log: Pick<Stream, 'lastOf'>
}

/**
 * Knows which messages of the log were stored since the broker was started. A broker that was killed may have forgotten
 * its last deliveries: it delivers older messages again, and says that it is for the first time.
 */
export class BrokerStart {
  readonly #broker: Broker
  readonly #log: Pick<Stream, 'lastOf'>
  readonly #records: Records<Start, null>
  #known: Start | null = null

  constructor({ broker, clock, log }: BrokerStartDeps) {
    this.#broker = broker
    this.#log = log
    this.#records = new Records<Start, null>(
      { stream: PROBES_STREAM, subjectOf: () => BROKER_START, parse: (body) => startSchema.parse(JSON.parse(body)) },
      { broker, clock },
    )
  }

  /**
   * The sequence after which every message was stored since the broker's start.
   * @throws when the broker does not answer
   */
  async lastSeq(): Promise<number> {
    const serverId = this.#broker.nc.info?.server_id ?? ''
    if (this.#known?.server_id === serverId) return this.#known.last_seq
    const stored = await this.#records.read(null)
    if (stored?.record.server_id === serverId) {
      this.#known = stored.record
      return stored.record.last_seq
    }
    const record = { server_id: serverId, last_seq: (await this.#log.lastOf('>'))?.seq ?? 0 }
    await this.#records.write(null, record, { afterSeq: stored?.seq ?? 0 })
    // Where another worker was faster, its record counts.
    return this.lastSeq()
  }

  close(): void {
    this.#records.close()
  }
}
