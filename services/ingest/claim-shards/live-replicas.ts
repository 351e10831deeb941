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

/** A sign of life says all it has to say by its name and its age. */
export const REPLICA_SIGNS: RecordKind<object, string> = {
  stream: INGEST_STREAM,
  subjectOf: ingestReplicaSubject,
  parse: () => ({}),
}
export type ReplicaSigns = Records<object, string>

export interface Replicas {
  /** All that give signs of life: what is theirs is not taken from them. */
  live: string[]
  /** Those of them that shards are assigned to: not who is about to end. */
  staying: string[]
}

/** This replica's sign of life, which the broker forgets by itself, and those of the others. */
export class LiveReplicas {
  readonly #signs: ReplicaSigns
  readonly #replicaId: string
  readonly #keptForS: number
  /** Its id, with a mark once it is leaving. */
  #name: string
  #seq = 0

  /** @param leaseMs who gave no sign for so long counts as dead; whole seconds, rounded up */
  constructor(signs: ReplicaSigns, replicaId: string, leaseMs: number) {
    this.#signs = signs
    this.#replicaId = replicaId
    this.#name = replicaId
    this.#keptForS = Math.ceil(leaseMs / SECOND)
  }

  /**
   * @param isLeaving from now on: it takes no more shards
   * @throws when the broker does not answer
   */
  async heartbeat(isLeaving: boolean): Promise<void> {
    if (isLeaving) this.#name = this.#replicaId + LEAVING_MARK
    if (await this.#write(this.#seq)) return
    // The last one may be forgotten, or was of before it was leaving.
    await this.#write((await this.#signs.read(this.#name))?.seq ?? 0)
  }

  /** @throws when the broker does not answer */
  async list(): Promise<Replicas> {
    const subjects = await this.#signs.subjects(ALL_INGEST_REPLICAS)
    return readSigns(subjects.map((subject) => subject.slice(PREFIX?.length)))
  }

  /** @throws when the broker does not answer */
  async leave(): Promise<void> {
    // The first one may be there still; were it left alone it would count as one that stays.
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

/** Who began to leave gave a sign before, which the broker may still have. */
export function readSigns(names: readonly string[]): Replicas {
  const leaving = new Set(
    names.filter((name) => name.endsWith(LEAVING_MARK)).map((name) => name.replace(LEAVING_MARK, '')),
  )
  const staying = names.filter((name) => !name.endsWith(LEAVING_MARK) && !leaving.has(name))
  return { live: [...staying, ...leaving], staying }
}
