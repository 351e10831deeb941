// The jobs that a worker holds, in memory that its two threads share: the main thread writes, the lease thread reads. A
// message between threads for each job cost more than running an empty one.

/** A job that this worker holds. */
export interface HeldJob {
  jobId: string
  /** Subject on which its delivery is renewed. */
  ackSubject: string
  /** Time of `processClockMs` until which the lease is renewed. */
  deadlineMs: number
}

/** A clock that reads alike in all threads of a process, milliseconds; `performance.now()` starts anew in each thread. */
export const processClockMs = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000

// A slot: version (odd while it is written), lengths of both texts (0: free), the deadline, then the texts.
const SLOT_BYTES = 1_024
const SLOT_NUMBERS = SLOT_BYTES / Int32Array.BYTES_PER_ELEMENT
const VERSION = 0
const JOB_ID_LENGTH = 1
const ACK_LENGTH = 2
const DEADLINE_OFFSET = 16
const TEXT_OFFSET = 24
/** Number of reads of a slot that is being written: a write takes a microsecond, unless its thread is interrupted. */
const READ_TRIES = 1_000

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A table with one slot for each job that may be held at once. */
export class HeldTable {
  readonly buffer: SharedArrayBuffer
  readonly #slots: number
  readonly #numbers: Int32Array
  readonly #view: DataView
  readonly #bytes: Uint8Array

  /** @param buffer of another thread's table; without it a new one is made */
  constructor(slots: number, buffer = new SharedArrayBuffer(slots * SLOT_BYTES)) {
    this.buffer = buffer
    this.#slots = slots
    this.#numbers = new Int32Array(buffer)
    this.#view = new DataView(buffer)
    this.#bytes = new Uint8Array(buffer)
  }

  /** Fills a slot; called by the one thread that writes. */
  set(slot: number, { jobId, ackSubject, deadlineMs }: HeldJob): void {
    const start = slot * SLOT_BYTES
    const text = this.#bytes.subarray(start + TEXT_OFFSET, start + SLOT_BYTES)
    this.#write(slot, (first) => {
      // The slot is free if the texts do not fit.
      this.#numbers[first + JOB_ID_LENGTH] = 0
      const { written: jobIdLength } = encoder.encodeInto(jobId, text)
      const { read, written: ackLength } = encoder.encodeInto(ackSubject, text.subarray(jobIdLength))
      if (read < ackSubject.length) throw new Error(`the ack subject of job ${jobId} is too long to be shared`)
      this.#view.setFloat64(start + DEADLINE_OFFSET, deadlineMs)
      this.#numbers[first + JOB_ID_LENGTH] = jobIdLength
      this.#numbers[first + ACK_LENGTH] = ackLength
    })
  }

  /** Empties a slot; called by the one thread that writes. */
  free(slot: number): void {
    this.#write(slot, (first) => {
      this.#numbers[first + JOB_ID_LENGTH] = 0
    })
  }

  /** The jobs that are held now; a slot that changes while it is read is read again. */
  *held(): Generator<HeldJob, void, undefined> {
    for (let slot = 0; slot < this.#slots; slot++) {
      const job = this.#read(slot)
      if (job !== null) yield job
    }
  }

  /** @param write gets the index of the slot's first number */
  #write(slot: number, write: (first: number) => void): void {
    const first = slot * SLOT_NUMBERS
    Atomics.add(this.#numbers, first + VERSION, 1)
    try {
      write(first)
    } finally {
      Atomics.add(this.#numbers, first + VERSION, 1)
    }
  }

  #read(slot: number): HeldJob | null {
    const start = slot * SLOT_BYTES
    const first = slot * SLOT_NUMBERS
    for (let tries = 0; tries < READ_TRIES; tries++) {
      const version = Atomics.load(this.#numbers, first + VERSION)
      if (version % 2 !== 0) continue
      const jobIdLength = this.#numbers[first + JOB_ID_LENGTH] ?? 0
      if (jobIdLength === 0) return null
      const ackStart = start + TEXT_OFFSET + jobIdLength
      const job = {
        // Copied first, because TextDecoder does not take shared memory.
        jobId: decoder.decode(this.#bytes.slice(start + TEXT_OFFSET, ackStart)),
        ackSubject: decoder.decode(this.#bytes.slice(ackStart, ackStart + (this.#numbers[first + ACK_LENGTH] ?? 0))),
        deadlineMs: this.#view.getFloat64(start + DEADLINE_OFFSET),
      }
      if (Atomics.load(this.#numbers, first + VERSION) === version) return job
    }
    return null
  }
}
