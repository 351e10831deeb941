import { checkForType } from '#shared/accept/check-job.ts'
import type { JobType, JobTypes } from '#shared/accept/job-types.ts'
import type { PlanJob, PlanStep } from '#shared/contracts/http/requests.ts'
import { AppError } from '#shared/errors/app-error.ts'
import { isObject } from '../decide/merge-patch.ts'
import type { DefinitionRecords } from '../definitions/definition-records.ts'
import type { PlanError } from './plan-errors.ts'
import { valueErrors } from './value-errors.ts'

export interface WorkErrorsDeps {
  types: Pick<JobTypes, 'getPublic'>
  /** The services by name. */
  services: Pick<ReadonlyMap<string, URL>, 'has'>
  definitions: Pick<DefinitionRecords, 'read'>
}

/** The owner of a plan: it may start requests of that tenant's definitions. */
export interface PlanOwner {
  tenant: string | null
  /** The definition that is being stored, which its own plan may name. */
  definition?: string
}

type Work = NonNullable<PlanJob['compensate']>

interface Place {
  work: Work
  pointer: string
  /** Whether the work belongs to a foreach. */
  hasItem: boolean
  /** Whether the work undoes a job. */
  hasResult: boolean
}

/**
 * Faults of the work of a plan's jobs, checked against the current types, services and definitions.
 * @throws AppError `unavailable` where they cannot be read
 */
export async function workErrors(deps: WorkErrorsDeps, owner: PlanOwner, plan: PlanStep[]): Promise<PlanError[]> {
  const types = new Map<string, JobType | string>()
  const definitions = new Map<string, boolean>()
  const errors: PlanError[] = []
  for (const place of placesOf(plan)) {
    const { work, pointer } = place
    const { type, service, path, definition, version } = work
    const has = [type, service, definition].filter((one) => one !== undefined)
    const add = (member: string, detail: string) => errors.push({ pointer: pointer + member, detail })
    if (has.length !== 1) {
      add('', 'must have exactly one of type, service and definition')
      continue
    }
    errors.push(...valueErrors(work.payload, `${pointer}/payload`, rootsOf(place)))
    if (path !== undefined && service === undefined) add('/path', 'is only allowed with service')
    if (version !== undefined && definition === undefined) add('/version', 'is only allowed with definition')
    if (service !== undefined && !deps.services.has(service)) add('/service', 'is not a service that SERVICES names')
    if (type !== undefined) {
      const found = types.get(type) ?? (await findType(deps, type))
      types.set(type, found)
      if (typeof found === 'string') add('/type', found)
      else errors.push(...typeErrors(found, place))
    }
    if (definition !== undefined) {
      for (const member of OF_JOBS) if (work[member] !== undefined) add(`/${member}`, 'is not allowed with definition')
      const key = `${definition} ${version}`
      const isKnown = definitions.get(key) ?? (await hasDefinition(deps, owner, definition, version))
      definitions.set(key, isKnown)
      if (!isKnown) add('/definition', 'is not a known definition or version')
    }
  }
  return errors
}

/** Members that a job has and a child request has not: the jobs of that request have their own. */
const OF_JOBS = ['timeout_ms', 'attempts', 'backoff'] as const

const placesOf = (plan: PlanStep[]): Place[] =>
  plan.flatMap(({ jobs = [] }, n) =>
    jobs.flatMap((job, i) => {
      const own = {
        work: job,
        pointer: `/steps/${n}/jobs/${i}`,
        hasItem: job.foreach !== undefined,
        hasResult: false,
      }
      const { compensate } = job
      return compensate === undefined
        ? [own]
        : [own, { ...own, work: compensate, pointer: `${own.pointer}/compensate`, hasResult: true }]
    }),
  )

const rootsOf = ({ hasItem, hasResult }: Place): string[] => [
  'params',
  'extras',
  ...(hasItem ? ['item'] : []),
  ...(hasResult ? ['result'] : []),
]

/** The type, or what is wrong with its name. */
async function findType({ types }: WorkErrorsDeps, name: string): Promise<JobType | string> {
  try {
    return await types.getPublic(name)
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'unknown-type')) throw error
    const [fault] = (error.members['errors'] ?? []) as PlanError[]
    return fault?.detail ?? 'is not a known job type'
  }
}

const hasDefinition = async (
  { definitions }: WorkErrorsDeps,
  owner: PlanOwner,
  name: string,
  version: number | undefined,
): Promise<boolean> =>
  (name === owner.definition && version === undefined) ||
  (await definitions.read({ tenant: owner.tenant, name }, version)) !== null

/** Faults of a type's payload. A payload with values that are not known yet is checked when its job is created. */
function typeErrors(type: JobType, { work, pointer, hasItem }: Place): PlanError[] {
  const isKnown = work.payload !== undefined && !hasItem && !hasValues(work.payload)
  try {
    checkForType(isKnown ? type : { ...type, payload: null }, work)
    return []
  } catch (error) {
    if (!(error instanceof AppError && Array.isArray(error.members['errors']))) throw error
    return (error.members['errors'] as PlanError[]).map((one) => ({ ...one, pointer: pointer + one.pointer }))
  }
}

function hasValues(payload: unknown): boolean {
  if (Array.isArray(payload)) return payload.some(hasValues)
  return isObject(payload) && (Object.hasOwn(payload, '$value') || Object.values(payload).some(hasValues))
}
