import { z } from 'zod'
import { nameSchema } from './names.ts'

/**
 * The rights that a token may have: reading jobs, creating and changing them, running them as a worker, and operating the
 * whole service (which implies all).
 */
export const SCOPES = ['jobs:read', 'jobs:write', 'work', 'admin'] as const
export type Scope = (typeof SCOPES)[number]

export const isScope = (text: string): text is Scope => (SCOPES as readonly string[]).includes(text)

/** Parameter of addresses with a name that each tenant may use for itself. */
export const tenantParameter = nameSchema
  .optional()
  .meta({ description: 'The tenant to act for, if the token is bound to none' })
export const CLIENT_ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

/** RFC 6749, 4.4: a form, or the same members as JSON. Unknown members are ignored, as the RFC requires. */
export const tokenBodySchema = z
  .object({
    grant_type: z.literal('client_credentials'),
    client_id: z.string().max(128).optional().meta({ description: 'Alternatively the user name of HTTP Basic' }),
    client_secret: z.string().max(256).optional().meta({ description: 'Alternatively the password of HTTP Basic' }),
    scope: z.string().max(200).optional().meta({
      description: "Scopes separated by spaces; defaults to all of the client's",
    }),
  })
  .meta({ id: 'TokenRequest' })
export type TokenBody = z.infer<typeof tokenBodySchema>

export const tokenSchema = z
  .object({
    access_token: z.string(),
    token_type: z.literal('Bearer'),
    expires_in: z.number().int().meta({ description: 'Lifetime of the token in seconds' }),
    scope: z.string(),
  })
  .meta({ id: 'Token' })
export type Token = z.infer<typeof tokenSchema>

export const callerSchema = z
  .object({
    subject: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    tenant: z.string().nullable().meta({ description: 'null: not bound to a tenant' }),
    types: z.array(z.string()).nullable().meta({ description: 'Job types that it may run as a worker; null: all' }),
  })
  .meta({ id: 'Caller' })
