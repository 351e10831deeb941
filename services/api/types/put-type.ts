import { fromJsonSchema } from '#shared/accept/json-schema.ts'
import type { Broker } from '#shared/bus/connection.ts'
import { refreshLanes } from '#shared/bus/lanes/change-lanes.ts'
import { tellLanesChanged } from '#shared/bus/lanes/lane-changes.ts'
import { ensureLanes, type LaneInfo, listLanes } from '#shared/bus/lanes/lanes.ts'
import { PAYLOAD_SCHEMA_MAX_BYTES, type PutTypeBody } from '#shared/contracts/http/types.ts'
import { DEFAULT_TIMEOUT_MS, type JobTypeInfo, policyFrom } from '#shared/contracts/log/job-type.ts'
import { TYPE_PATTERN } from '#shared/contracts/log/subjects.ts'
import { AppError, detailAbout } from '#shared/errors/app-error.ts'
import { messageOf } from '#shared/errors/foreign.ts'
import { SECOND } from '#shared/time/clock.ts'

/** The longest lease of a lane: as the job services have it by default, which renew in time for the shortest. */
const LEASE_MS = 10 * SECOND

/**
 * Creates a type whose jobs workers claim over HTTP, or changes it.
 * @returns whether it was created
 * @throws AppError `invalid-request`, `wrong-runner`; other errors where the broker does not answer
 */
export async function putType(broker: Broker, type: string, body: PutTypeBody): Promise<boolean> {
  if (!TYPE_PATTERN.test(type))
    throw new AppError(
      'invalid-request',
      'The name of a type is a lower-case letter and up to 63 of a-z, 0-9, _ and -.',
    )
  checkSchema(body.payload_schema)
  const info: JobTypeInfo = {
    type,
    policy: { ...policyFrom(body.policy, DEFAULT_TIMEOUT_MS), runner: 'http' },
    payload_schema: body.payload_schema,
  }
  const lanes = await listLanes(broker)
  const existing = lanes.find((lane) => lane.type === type)
  checkRunner(existing, type)
  const leaseMs = Math.min(LEASE_MS, ...lanes.map((lane) => lane.leaseMs))
  await ensureLanes(broker, info, { leaseMs })
  await refreshLanes(broker, info, { leaseMs })
  tellLanesChanged(broker, type)
  return existing === undefined
}

/** @throws AppError `wrong-runner` for a type with a handler */
export function checkRunner(lane: LaneInfo | undefined, type: string): void {
  if (lane === undefined || lane.info.policy.runner === 'http') return
  throw new AppError(
    'wrong-runner',
    `Jobs of the type ${type} are run by a handler of the job service. Choose another name.`,
  )
}

/** Every service reads the schema of every type: one that none can read would hide all types. */
function checkSchema(schema: PutTypeBody['payload_schema']): void {
  if (schema === null) return
  const bytes = Buffer.byteLength(JSON.stringify(schema))
  if (bytes > PAYLOAD_SCHEMA_MAX_BYTES) throw badSchema(`has ${bytes} bytes, the limit is ${PAYLOAD_SCHEMA_MAX_BYTES}`)
  try {
    fromJsonSchema(schema)
  } catch (error) {
    throw badSchema(`is not a JSON Schema that Hasty can check: ${messageOf(error)}`)
  }
}

const badSchema = (detail: string): AppError =>
  new AppError('invalid-request', detailAbout('/payload_schema', detail), {
    members: { errors: [{ pointer: '/payload_schema', detail }] },
  })
