import type { RecordKind, Records } from '#shared/bus/records.ts'
import type { PlanStep } from '#shared/contracts/http/requests.ts'
import { ALL_DEFINITIONS, DEFINITIONS_STREAM, definitionSubject } from '#shared/contracts/log/subjects.ts'
import { AppError, unavailable } from '#shared/errors/app-error.ts'
import { hashNames } from '#shared/ids/hash-names.ts'

/** The key of a definition. Each tenant has its own name space, and so do callers without a tenant. */
export interface DefinitionKey {
  tenant: string | null
  name: string
}

/** A version of a definition, which never changes. */
export interface DefinitionRecord extends DefinitionKey {
  version: number
  steps: PlanStep[]
  created_at: string
}

/** `*` means all versions; reading gives the latest. */
type Version = number | '*'

interface SubjectKey {
  nameHash: string
  version: Version
}

export const DEFINITION_RECORDS: RecordKind<DefinitionRecord, SubjectKey> = {
  stream: DEFINITIONS_STREAM,
  subjectOf: ({ nameHash, version }) => definitionSubject(nameHash, version),
  parse: (body) => JSON.parse(body) as DefinitionRecord,
}

const READS_AT_ONCE = 50

const keyOf = ({ tenant, name }: DefinitionKey, version: Version): SubjectKey => ({
  nameHash: hashNames(tenant, name),
  version,
})

/** The definitions at the broker, one record for each version. Every method throws AppError `unavailable`. */
export class DefinitionRecords {
  readonly #records: Records<DefinitionRecord, SubjectKey>

  constructor(records: Records<DefinitionRecord, SubjectKey>) {
    this.#records = records
  }

  /** @param version the latest by default */
  async read(key: DefinitionKey, version: Version = '*'): Promise<DefinitionRecord | null> {
    return (await atBroker(this.#records.read(keyOf(key, version))))?.record ?? null
  }

  /** The latest version of each. */
  async all(): Promise<DefinitionRecord[]> {
    const subjects = await atBroker(this.#records.subjects(ALL_DEFINITIONS))
    const nameHashes = [...new Set(subjects.map((subject) => subject.split('.')[1] ?? ''))]
    const found: DefinitionRecord[] = []
    for (let i = 0; i < nameHashes.length; i += READS_AT_ONCE) {
      const slice = nameHashes.slice(i, i + READS_AT_ONCE)
      const reads = slice.map((nameHash) => this.#records.read({ nameHash, version: '*' }))
      found.push(...(await atBroker(Promise.all(reads))).flatMap((stored) => (stored === null ? [] : [stored.record])))
    }
    return found
  }

  /** @returns false when that version exists already */
  async add(record: DefinitionRecord): Promise<boolean> {
    return (await this.#records.write(keyOf(record, record.version), record, { afterSeq: 0 })) !== null
  }

  /** Removes one version, or all current ones. @returns false when there was none */
  async remove(key: DefinitionKey, version: Version = '*'): Promise<boolean> {
    const last = await atBroker(this.#records.read(keyOf(key, version)))
    return last !== null && (await atBroker(this.#records.remove(keyOf(key, version), last.seq)))
  }
}

async function atBroker<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw error instanceof AppError
      ? error
      : unavailable('The broker did not answer about definitions. Try again.', error)
  }
}
