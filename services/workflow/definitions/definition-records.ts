import type { LogMessage } from '#shared/bus/log-reader.ts'
import type { RecordStream } from '#shared/bus/record-stream.ts'
import type { PlanStep } from '#shared/contracts/http/requests.ts'
import { ALL_DEFINITIONS, definitionSubject } from '#shared/contracts/log/subjects.ts'
import { AppError, unavailable } from '#shared/errors/app-error.ts'
import { hashNames } from '#shared/ids/hash-names.ts'
import { SECOND } from '#shared/time/clock.ts'

/** Each tenant has names of its own, and so have those who are of none. */
export interface DefinitionKey {
  tenant: string | null
  name: string
}

/** A version of a definition: what it says never changes. */
export interface DefinitionRecord extends DefinitionKey {
  version: number
  steps: PlanStep[]
  created_at: string
}

const WRITE_DEADLINE_MS = 5 * SECOND
const READS_AT_ONCE = 50

const subjectOf = ({ tenant, name }: DefinitionKey, version: number | '*'): string =>
  definitionSubject(hashNames(tenant, name), version)

/** The definitions at the broker, one record a version. All throw AppError `unavailable`. */
export class DefinitionRecords {
  readonly #stream: RecordStream

  constructor(stream: RecordStream) {
    this.#stream = stream
  }

  /** @param version the latest where it is left out */
  async read(key: DefinitionKey, version: number | '*' = '*'): Promise<DefinitionRecord | null> {
    return parse(await atBroker(this.#stream.read(subjectOf(key, version))))
  }

  /** The latest version of each. */
  async all(): Promise<DefinitionRecord[]> {
    const subjects = await atBroker(this.#stream.subjects(ALL_DEFINITIONS))
    const filters = [...new Set(subjects.map((subject) => subject.replace(/[^.]+$/, '*')))]
    const found: (DefinitionRecord | null)[] = []
    for (let i = 0; i < filters.length; i += READS_AT_ONCE) {
      const reads = filters.slice(i, i + READS_AT_ONCE).map((filter) => this.#stream.read(filter))
      found.push(...(await atBroker(Promise.all(reads))).map(parse))
    }
    return found.filter((record) => record !== null)
  }

  /** @returns false when there is such a version already */
  async add(record: DefinitionRecord): Promise<boolean> {
    const message = { subject: subjectOf(record, record.version), body: JSON.stringify(record), afterSeq: 0 }
    return (await this.#stream.write(message, WRITE_DEADLINE_MS)) !== null
  }

  /** Removes one version, or all that there are now. @returns false when there was none */
  async remove(key: DefinitionKey, version: number | '*' = '*'): Promise<boolean> {
    const subject = subjectOf(key, version)
    const last = await atBroker(this.#stream.read(subject))
    return last !== null && (await atBroker(this.#stream.remove(subject, last.seq)))
  }
}

const parse = (message: LogMessage | null): DefinitionRecord | null =>
  message === null ? null : (JSON.parse(message.body) as DefinitionRecord)

async function atBroker<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw error instanceof AppError ? error : unavailable('The definitions cannot be reached at the broker.', error)
  }
}
