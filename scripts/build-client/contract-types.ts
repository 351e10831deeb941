import { z } from 'zod'
import { tokenSchema } from '#shared/contracts/auth.ts'
import { batchItemSchema, batchResultSchema } from '#shared/contracts/batch.ts'
import { eventViewSchema } from '#shared/contracts/events-http.ts'
import { jobAcceptedSchema, jobSummaryViewSchema, jobViewSchema } from '#shared/contracts/http.ts'
import { attemptSchema, progressSchema } from '#shared/contracts/job.ts'
import { jobListSchema, jobStatsSchema } from '#shared/contracts/list.ts'
import { problemSchema } from '#shared/contracts/problems.ts'
import { redriveResultSchema } from '#shared/contracts/redrive.ts'
import { whySchema } from '#shared/contracts/why.ts'
import { printTypes } from './print-types.ts'

/** By the names that shared/client/contracts.ts exports. */
const schemas: Record<string, z.ZodType> = {
  Attempt: attemptSchema,
  BatchItem: batchItemSchema,
  BatchResult: batchResultSchema,
  EventView: eventViewSchema,
  JobAccepted: jobAcceptedSchema,
  JobList: jobListSchema,
  JobStats: jobStatsSchema,
  JobSummaryView: jobSummaryViewSchema,
  JobView: jobViewSchema,
  Problem: problemSchema,
  Progress: progressSchema,
  RedriveResult: redriveResultSchema,
  Token: tokenSchema,
  Why: whySchema,
}

/** The declarations of the contracts that the client shows, without zod. */
export function contractTypes(): string {
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id })
  const { schemas: described } = z.toJSONSchema(registry, { io: 'output', uri: (id) => id })
  return printTypes(described)
}
