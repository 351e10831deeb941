import type { RecordStream } from '#shared/bus/record-stream.ts'
import { ALL_INGEST_REPLICAS, ingestReplicaSubject, LEAVING_MARK } from '#shared/contracts/log/subjects.ts'
import { SECOND } from '#shared/time/clock.ts'

const WRITE_DEADLINE_MS = 1_500
const [PREFIX] = ALL_INGEST_REPLICAS.split('*')

export interface Replicas {
  /** All that give signs of life: what is theirs is not taken from them. */
  live: string[]
  /** Those of them that shards are assigned to: not who is about to end. */
  staying: string[]
}

/** This replica's sign of life, which the broker forgets by itself, and those of the others. */
export class LiveReplicas {
  readonly #stream: RecordStream
  readonly #replicaId: string
  readonly #keptForS: number
  #subject: string
  #seq = 0

  /** @param leaseMs who gave no sign for so long counts as dead; whole seconds, rounded up */
  constructor(stream: RecordStream, replicaId: string, leaseMs: number) {
    this.#stream = stream
    this.#replicaId = replicaId
    this.#subject = ingestReplicaSubject(replicaId)
    this.#keptForS = Math.ceil(leaseMs / SECOND)
  }

  /**
   * @param isLeaving from now on: it takes no more shards
   * @throws when the broker does not answer
   */
  async giveSign(isLeaving: boolean): Promise<void> {
    if (isLeaving) this.#subject = ingestReplicaSubject(this.#replicaId + LEAVING_MARK)
    if (await this.#write(this.#seq)) return
    // The last one may be forgotten, or was of before it was leaving.
    await this.#write((await this.#stream.read(this.#subject))?.seq ?? 0)
  }

  /** @throws when the broker does not answer */
  async list(): Promise<Replicas> {
    const subjects = await this.#stream.subjects(ALL_INGEST_REPLICAS)
    return readSigns(subjects.map((subject) => subject.slice(PREFIX?.length)))
  }

  /** @throws when the broker does not answer */
  async removeSign(): Promise<void> {
    // The first one may be there still; were it left alone it would count as one that stays.
    for (const subject of new Set([ingestReplicaSubject(this.#replicaId), this.#subject])) {
      await this.#stream.remove(subject, this.#seq)
    }
  }

  async #write(afterSeq: number): Promise<boolean> {
    const record = { subject: this.#subject, body: '{}', afterSeq, keptForS: this.#keptForS }
    const seq = await this.#stream.write(record, WRITE_DEADLINE_MS)
    if (seq !== null) this.#seq = seq
    return seq !== null
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
