import { z } from 'zod'
import { IDEMPOTENCY_KEY_MAX_LENGTH } from '#shared/contracts/http/jobs.ts'

const prefer = z
  .string()
  .optional()
  .meta({ description: 'RFC 7240: `wait=5` waits up to 5 seconds (at most 60) for the job to end' })

export const createHeaders = z.object({
  'Idempotency-Key': z
    .string()
    .min(1)
    .max(IDEMPOTENCY_KEY_MAX_LENGTH)
    .regex(/^[!-~]+(?: +[!-~]+)*$/)
    .optional()
    .meta({
      description:
        'Repeating the same key and body within 24 hours returns the same result; a key that begins with `once-` is kept for one hour',
    }),
  Prefer: prefer,
})

export const keyHeaders = createHeaders.pick({ 'Idempotency-Key': true })

export const changeHeaders = z.object({
  'Idempotency-Key': z
    .string()
    .optional()
    .meta({ description: 'A change repeated with the same key at the same address within 24 hours is made once' }),
})

export const readHeaders = z.object({
  Prefer: prefer,
  'If-None-Match': z.string().optional().meta({
    description:
      'The ETag of the known version: 304 while it is current; with `Prefer: wait` the answer waits for the next change',
  }),
})

export const streamHeaders = z.object({
  'Last-Event-ID': z
    .string()
    .regex(/^\d{0,15}$/)
    .optional()
    .meta({ description: 'The id of the last event received; only later events are sent' }),
})

export const matchHeaders = z.object({
  'If-Match': z.string().optional().meta({ description: 'The ETag that must still be current' }),
  'If-None-Match': z.string().optional().meta({ description: '`*`: the schedule must not exist yet' }),
})

/** Headers of answers. */
export const locationHeader = z.object({
  Location: z.string().meta({ description: 'The address of the created resource' }),
})
export const replayedHeader = z.object({
  'Idempotency-Replayed': z
    .literal('true')
    .optional()
    .meta({ description: 'An earlier request with this key was answered' }),
})
export const etagHeader = z.object({ ETag: z.string().meta({ description: 'The version of the resource' }) })
export const linkHeader = z.object({
  Link: z.string().optional().meta({ description: 'The address of the next page, with `rel="next"`' }),
})
