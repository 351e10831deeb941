import type { RecordKind, Records } from '#shared/bus/records.ts'
import {
  ALL_INGEST_REPLICAS,
  INGEST_STREAM,
  ingestReplicaSubject,
  LEAVING_MARK,
} from '#shared/contracts/log/subjects.ts'
import { SECOND } from '#shared/time/clock.ts'

const WRITE_DEADLINE_MS = 1_500
const [PREFIX] = ALL_INGEST_REPLICAS.split('*')

/** A heartbeat, whose name and age are all that it says. */
export const REPLICA_SIGNS: RecordKind<object, string> = {
  stream: INGEST_STREAM,
  subjectOf: ingestReplicaSubject,
  parse: () => ({}),
}
export type ReplicaSigns = Records<object, string>

export interface Replicas {
  /** All replicas with a heartbeat: their shards are not taken from them. */
  live: string[]
  /** The live replicas that shards are assigned to: those that are not about to end. */
  staying: string[]
}

/** This replica's heartbeat, which the broker forgets by itself, and those of the others. */
export class LiveReplicas {
  readonly #signs: ReplicaSigns
  readonly #replicaId: string
  readonly #keptForS: number
  /** The replica's id, with a mark once it is leaving. */
  #name: string
  #seq = 0

  /** @param leaseMs time without a heartbeat after which a replica counts as dead; whole seconds, rounded up */
  constructor(signs: ReplicaSigns, replicaId: string, leaseMs: number) {
    this.#signs = signs
    this.#replicaId = replicaId
    this.#name = replicaId
    this.#keptForS = Math.ceil(leaseMs / SECOND)
  }

  /**
   * @param isLeaving true from the moment when the replica takes no more shards
   * @throws when the broker does not answer
   */
  async heartbeat(isLeaving: boolean): Promise<void> {
    if (isLeaving) this.#name = this.#replicaId + LEAVING_MARK
    if (await this.#write(this.#seq)) return
    // The previous heartbeat may be forgotten, or have been written before the replica was leaving.
    await this.#write((await this.#signs.read(this.#name))?.seq ?? 0)
  }

  /** @throws when the broker does not answer */
  async list(): Promise<Replicas> {
    const subjects = await this.#signs.subjects(ALL_INGEST_REPLICAS)
    return readSigns(subjects.map((subject) => subject.slice(PREFIX?.length)))
  }

  /** @throws when the broker does not answer */
  async leave(): Promise<void> {
    // The first heartbeat may still be there; left alone, it would count as a replica that stays.
    for (const name of new Set([this.#replicaId, this.#name])) await this.#signs.remove(name, this.#seq)
  }

  async #write(afterSeq: number): Promise<boolean> {
    const stored = await this.#signs.write(
      this.#name,
      {},
      { afterSeq, keptForS: this.#keptForS, deadlineMs: WRITE_DEADLINE_MS },
    )
    if (stored !== null) this.#seq = stored.seq
    return stored !== null
  }
}

/**
 * The replicas with a heartbeat. A replica that is leaving has written a normal one before, which the broker may still
 * have.
 */
export function readSigns(names: readonly string[]): Replicas {
  const leaving = new Set(
    names.filter((name) => name.endsWith(LEAVING_MARK)).map((name) => name.replace(LEAVING_MARK, '')),
  )
  const staying = names.filter((name) => !name.endsWith(LEAVING_MARK) && !leaving.has(name))
  return { live: [...staying, ...leaving], staying }
}
