import type { RecordStream } from '#shared/bus/record-stream.ts'
import { ALL_INGEST_REPLICAS, ingestReplicaSubject } from '#shared/contracts/subjects.ts'
import { SECOND } from '#shared/runtime/clock.ts'

const WRITE_DEADLINE_MS = 1_500
const [PREFIX] = ALL_INGEST_REPLICAS.split('*')

/** This replica's sign of life, which the broker forgets by itself, and those of the others. */
export class LiveReplicas {
  readonly #stream: RecordStream
  readonly #subject: string
  readonly #keptForS: number
  #seq = 0

  /** @param leaseMs who gave no sign for so long counts as dead; whole seconds, rounded up */
  constructor(stream: RecordStream, replicaId: string, leaseMs: number) {
    this.#stream = stream
    this.#subject = ingestReplicaSubject(replicaId)
    this.#keptForS = Math.ceil(leaseMs / SECOND)
  }

  /** @throws when the broker does not answer */
  async giveSign(): Promise<void> {
    if (await this.#write(this.#seq)) return
    // The last one may be forgotten.
    await this.#write((await this.#stream.read(this.#subject))?.seq ?? 0)
  }

  /**
   * The ids of all that live.
   * @throws when the broker does not answer
   */
  async list(): Promise<string[]> {
    const subjects = await this.#stream.subjects(ALL_INGEST_REPLICAS)
    return subjects.map((subject) => subject.slice(PREFIX?.length))
  }

  /** @throws when the broker does not answer */
  async removeSign(): Promise<void> {
    await this.#stream.remove(this.#subject, this.#seq)
  }

  async #write(afterSeq: number): Promise<boolean> {
    const record = { subject: this.#subject, body: '{}', afterSeq, keptForS: this.#keptForS }
    const seq = await this.#stream.write(record, WRITE_DEADLINE_MS)
    if (seq !== null) this.#seq = seq
    return seq !== null
  }
}
