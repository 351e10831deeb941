import { isDeepStrictEqual } from 'node:util'
import { nameSchema } from '#shared/contracts/http/names.ts'
import {
  DEFINITION_VERSIONS_KEPT,
  DEFINITIONS_MAX,
  DEFINITIONS_OF_TENANT_MAX,
} from '#shared/contracts/http/request-list.ts'
import type { PlanStep } from '#shared/contracts/http/requests.ts'
import { AppError, unavailable } from '#shared/errors/app-error.ts'
import { badParameters } from '#shared/http/read-query.ts'
import { type Clock, isoTime } from '#shared/time/clock.ts'
import { type CheckPlanDeps, checkPlan } from '../check-plan/check-plan.ts'
import type { DefinitionKey, DefinitionRecord, DefinitionRecords } from './definition-records.ts'

export interface PutDefinitionDeps extends CheckPlanDeps {
  definitions: DefinitionRecords
  clock: Clock
}

const MAX_TRIES = 20

/**
 * Creates the next version of a definition; a plan equal to the latest one creates none. Requests that began with an
 * earlier version keep it: their records hold the plan.
 * @throws AppError `invalid-request`, `invalid-plan`, `too-many-definitions`, `unavailable`
 */
export async function putDefinition(
  deps: PutDefinitionDeps,
  key: DefinitionKey,
  steps: PlanStep[],
): Promise<{ definition: DefinitionRecord; isNew: boolean }> {
  if (!nameSchema.safeParse(key.name).success)
    throw badParameters([
      {
        parameter: 'name',
        detail: 'must be 1 to 64 characters from A-Z a-z 0-9 . _ - and begin with a letter or digit',
      },
    ])
  await checkPlan(deps, { tenant: key.tenant, definition: key.name }, steps)
  const { definitions, clock } = deps
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const latest = await definitions.read(key)
    // Compared in its stored form: undefined members are not stored.
    if (latest !== null && isDeepStrictEqual(latest.steps, JSON.parse(JSON.stringify(steps))))
      return { definition: latest, isNew: false }
    if (latest === null) await checkRoom(definitions, key)
    const version = (latest?.version ?? 0) + 1
    const definition = { ...key, version, steps, created_at: isoTime(clock.now()) }
    if (!(await definitions.add(definition))) continue
    const old = version - DEFINITION_VERSIONS_KEPT
    if (old > 0) await definitions.remove(key, old)
    return { definition, isNew: true }
  }
  throw unavailable('Too many others are changing this definition. Try again.')
}

async function checkRoom(definitions: DefinitionRecords, { tenant }: DefinitionKey): Promise<void> {
  const all = await definitions.all()
  const own = all.filter((definition) => definition.tenant === tenant).length
  if (tenant !== null && own >= DEFINITIONS_OF_TENANT_MAX)
    throw tooMany(`${DEFINITIONS_OF_TENANT_MAX} definitions per tenant`)
  if (all.length >= DEFINITIONS_MAX) throw tooMany(`${DEFINITIONS_MAX} definitions`)
}

const tooMany = (limit: string): AppError =>
  new AppError('too-many-definitions', `There may be at most ${limit}. Delete one first.`)
