import { z } from 'zod'
import { ageShape, statusParameter } from './job-list.ts'
import { cancelJobBodySchema } from './jobs.ts'
import { pageParameters } from './query.ts'
import { planSchema, REQUEST_STATUSES, requestViewSchema } from './requests.ts'
import { tenantParameter } from './tokens.ts'

export const DEFINITIONS_MAX = 1_000
/** Limit for each tenant, so that one cannot use up all of them. */
export const DEFINITIONS_OF_TENANT_MAX = 100
/** Number of versions of a definition that can be read and used; a running request has a copy of its plan. */
export const DEFINITION_VERSIONS_KEPT = 20

export const cancelRequestBodySchema = cancelJobBodySchema.meta({ id: 'CancelRequest' })

export const signalRequestBodySchema = z
  .strictObject({
    extras: z
      .record(z.string(), z.unknown())
      .default({})
      .meta({ description: 'Merged into the extras of the request, like the extras that a job returns' }),
  })
  .meta({ id: 'SignalRequest' })

export const listRequestsQuerySchema = z.strictObject({
  status: statusParameter(REQUEST_STATUSES),
  ...pageParameters('Requests per page'),
})
export type ListRequestsQuery = z.infer<typeof listRequestsQuerySchema>

/** A request in a list: members that may be large are shown only at the request's own address. */
export const requestSummarySchema = requestViewSchema
  .omit({ parent: true, params: true, extras: true, steps: true, undone: true, events: true })
  .meta({ id: 'RequestSummary' })
export type RequestSummary = z.infer<typeof requestSummarySchema>

export const requestListSchema = z
  .object({
    ...ageShape,
    items: z.array(requestSummarySchema),
    next_cursor: z.string().nullable().meta({ description: 'null on the last page' }),
  })
  .meta({ id: 'RequestList' })
export type RequestList = z.infer<typeof requestListSchema>

export const putDefinitionBodySchema = z.strictObject({ steps: planSchema }).meta({ id: 'PutDefinition' })

export const definitionOwnerQuerySchema = z.strictObject({ tenant: tenantParameter })

export const definitionQuerySchema = definitionOwnerQuerySchema.extend({
  version: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'must be a whole number from 1')
    .transform(Number)
    .optional()
    .meta({
      description: 'Defaults to the latest version',
      override: { type: 'integer', minimum: 1, maximum: 999_999_999 },
    }),
})

const definitionShape = {
  name: z.string(),
  tenant: z.string().optional().meta({ description: 'The tenant that owns it; absent where the token named none' }),
  version: z.number().int().meta({ description: 'Starts at 1 and counts up with each new plan of this name' }),
  created_at: z.string().meta({ description: 'When this version was created' }),
}

export const definitionViewSchema = z.object({ ...definitionShape, steps: planSchema }).meta({ id: 'Definition' })
export type DefinitionView = z.infer<typeof definitionViewSchema>

export const definitionSummarySchema = z.object(definitionShape).meta({ id: 'DefinitionSummary' })
export type DefinitionSummary = z.infer<typeof definitionSummarySchema>

export const definitionListSchema = z.object({ items: z.array(definitionSummarySchema) }).meta({ id: 'DefinitionList' })
export type DefinitionList = z.infer<typeof definitionListSchema>
