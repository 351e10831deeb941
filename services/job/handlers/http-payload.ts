import { z } from 'zod'
import { CALLBACK_URL_MAX_LENGTH } from '#shared/contracts/http/jobs.ts'

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'] as const
const HEADERS_MAX = 50
/** Headers that users must not set: Hasty's own or the connection's, on which a target must be able to rely. */
const FORBIDDEN_HEADERS =
  /^(host|connection|content-length|transfer-encoding|te|trailer|upgrade|keep-alive|expect|proxy-.*|hasty-.*)$/i

/** Whether the params of a method go into the query; otherwise they are the body, as JSON. */
export const isQueryMethod = (method: HttpPayload['method']): boolean =>
  method === 'GET' || method === 'HEAD' || method === 'DELETE'

const headersSchema = z
  .record(
    z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}$/),
    z
      .string()
      .max(8_000)
      .regex(/^[\t\x20-\x7e\x80-\xff]*$/),
  )
  .superRefine((headers, context) => {
    const names = Object.keys(headers)
    const refuse = (message: string, path: string[] = []) => context.addIssue({ code: 'custom', message, path })
    if (names.length > HEADERS_MAX) refuse(`must be at most ${HEADERS_MAX}`)
    if (new Set(names.map((name) => name.toLowerCase())).size < names.length) refuse('a name appears twice')
    for (const name of names.filter((candidate) => FORBIDDEN_HEADERS.test(candidate)))
      refuse('is not yours to set', [name])
  })

const queryValue = z.union([z.string(), z.number(), z.boolean()])

export const httpPayloadSchema = z
  .strictObject({
    url: z.string().min(1).max(CALLBACK_URL_MAX_LENGTH).optional(),
    service: z.string().min(1).max(64).optional().meta({ description: 'A name of the setting SERVICES' }),
    path: z.string().max(CALLBACK_URL_MAX_LENGTH).optional().meta({ description: "Below the service's URL" }),
    method: z.enum(METHODS).default('GET'),
    params: z.unknown().optional().meta({ description: 'The query of GET, HEAD and DELETE; else the body, as JSON' }),
    headers: headersSchema.optional(),
  })
  .superRefine((payload, context) => {
    const refuse = (message: string, path: string[] = []) => context.addIssue({ code: 'custom', message, path })
    if ((payload.url === undefined) === (payload.service === undefined)) refuse('must have either url or service')
    if (payload.path !== undefined && payload.service === undefined) refuse('is only allowed with service', ['path'])
    if (payload.params === undefined || !isQueryMethod(payload.method)) return
    if (!z.record(z.string(), queryValue).safeParse(payload.params).success) {
      refuse(`must be texts, numbers and booleans by their names for ${payload.method}`, ['params'])
    }
  })
export type HttpPayload = z.infer<typeof httpPayloadSchema>
