import type { Job } from '#shared/contracts/log/job.ts'
import type { Checkpoint, JobStore, StoredJob } from './job-store.ts'

/** This replica's last view of the checkpoint: how far the store is, whichever keeper applies the log. */
export class ProjectionView {
  readonly #store: JobStore
  #checkpoint: Checkpoint | null = null

  constructor(store: JobStore) {
    this.#store = store
  }

  /** 0 before the first projection. */
  get generation(): number {
    return this.#checkpoint?.generation ?? 0
  }

  /** Generation below which documents belong to another log. */
  get logGeneration(): number {
    return this.#checkpoint?.log_generation ?? 0
  }

  get seq(): number {
    return this.#checkpoint?.seq ?? 0
  }

  /** Everything that the log had at this time (ISO) was applied; null: not known. */
  get asOf(): string | null {
    return this.#checkpoint?.as_of ?? null
  }

  /** While true, documents may lag behind what callers have seen: the log knows better. */
  get isRebuilding(): boolean {
    return this.#checkpoint === null || this.#checkpoint.seq < this.#checkpoint.rebuild_until
  }

  update(checkpoint: Checkpoint | null): void {
    this.#checkpoint = checkpoint
  }

  /** @throws when the store does not answer */
  async refresh(): Promise<Checkpoint | null> {
    this.#checkpoint = await this.#store.readCheckpoint()
    return this.#checkpoint
  }
}

/** A stored job as the starting point of a fold of this log, in which a job of another log begins at sequence 0. */
export const rebasedOntoLog = ({ generation, job }: StoredJob, logGeneration: number): Job =>
  generation < logGeneration ? { ...job, seq: 0 } : job
