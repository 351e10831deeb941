import { z } from 'zod'
import { fromJsonSchema } from '#shared/accept/json-schema.ts'
import { batchPolicySchema, policyFrom, userPolicySchema } from '#shared/contracts/log/job-type.ts'
import { typeSchema } from '#shared/contracts/log/subjects.ts'
import { isObject, messageOf } from '#shared/errors/foreign.ts'
import { issuesOf } from '#shared/errors/zod-issues.ts'
import { zodMessages } from '#shared/errors/zod-messages.ts'
import { closestWord } from '#shared/formats/closest-word.ts'
import { importModule } from '#shared/process/import-module.ts'
import { batchRun, type RunBatch } from './batch-run.ts'
import type { JobHandler } from './handler.ts'

/** The export `handler` of a user's file, checked by hand, because functions have no schema. */
const userHandlerSchema = z.strictObject({
  type: typeSchema,
  policy: userPolicySchema.optional(),
  batch: batchPolicySchema.optional(),
  schema: z.unknown().optional(),
  run: z.custom<JobHandler['run']>((value) => typeof value === 'function', 'must be a function run(payload, context)'),
})

/** The members that each object of a handler may have, by its path. */
const MEMBERS: Record<string, string[]> = {
  '': Object.keys(userHandlerSchema.shape),
  policy: Object.keys(userPolicySchema.shape),
  batch: Object.keys(batchPolicySchema.shape),
}

/**
 * The handler that a user's file exports.
 * @throws Error whose message begins with the file
 */
export async function importHandler(file: string, timeoutMs: number): Promise<JobHandler> {
  const module = await importModule(file)
  try {
    return readHandler(module, timeoutMs)
  } catch (error) {
    throw new Error(`${file}: ${messageOf(error)}`, { cause: error })
  }
}

function readHandler(module: Record<string, unknown>, timeoutMs: number): JobHandler {
  const exported = module['handler']
  if (exported === undefined) throw new Error(whyNoHandler(Object.keys(module)))
  const parsed = userHandlerSchema.safeParse(exported, { error: zodMessages })
  if (!parsed.success) throw new Error(issuesOf(parsed.error).map(complaintOf).join('; '))
  const { type, batch = null, schema, run } = parsed.data
  const declared = parsed.data.policy ?? {}
  const policy = { ...policyFrom(declared, timeoutMs), batch }
  if (batch !== null && batch.max_wait_ms >= policy.timeout_ms)
    throw new Error(`batch.max_wait_ms: must be below the timeout of ${policy.timeout_ms} ms, which it is part of`)
  return {
    type,
    policy,
    schema: toSchema(schema),
    run: batch === null ? run : batchRun(batch, run as RunBatch),
  }
}

function whyNoHandler(names: string[]): string {
  const what = 'must export a const named `handler`'
  const meant = closestWord('handler', names)
  if (meant !== null) return `${what}, and exports \`${meant}\``
  if (names.includes('default')) return `${what}, not a default`
  return `${what}; a file that is no job type has a name that begins with _, or lies in a folder`
}

function complaintOf(issue: z.core.$ZodIssue): string {
  const path = issue.path.join('.')
  const where = path === '' ? 'handler' : path
  if (issue.code !== 'unrecognized_keys') return `${where}: ${issue.message}`
  const unknown = issue.keys.map((key) => {
    const meant = closestWord(key, MEMBERS[path] ?? [])
    return `has no member "${key}"${meant === null ? '' : `, did you mean ${meant}?`}`
  })
  return `${where}: ${unknown.join('; ')}`
}

/** A zod schema unchanged, or one made from a JSON Schema. */
function toSchema(schema: unknown): z.ZodType | null {
  if (schema === undefined || schema === null) return null
  if (schema instanceof z.ZodType) return schema
  if (isObject(schema) && ('_zod' in schema || '_def' in schema))
    throw new Error('schema: must be made by zod 4 (not by zod/mini or zod 3), or be a JSON Schema')
  if (!isObject(schema)) throw new Error('schema: must be a schema of zod 4 or a JSON Schema')
  return fromJsonSchema({ ...schema }, { fillDefaults: true })
}
