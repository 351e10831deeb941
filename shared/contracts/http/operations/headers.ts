import { z } from 'zod'
import { IDEMPOTENCY_KEY_MAX_LENGTH } from '#shared/contracts/http/jobs.ts'

const prefer = z
  .string()
  .optional()
  .meta({ description: 'RFC 7240: `wait=5` waits up to so many seconds (60 at most) for the end of the job' })

export const createHeaders = z.object({
  'Idempotency-Key': z
    .string()
    .min(1)
    .max(IDEMPOTENCY_KEY_MAX_LENGTH)
    .regex(/^[!-~]+(?: +[!-~]+)*$/)
    .optional()
    .meta({
      description:
        'The same key and body within 24 hours is answered with the same job; a key that begins with `once-` is known for an hour',
    }),
  Prefer: prefer,
})

export const keyHeaders = createHeaders.pick({ 'Idempotency-Key': true })

export const changeHeaders = z.object({
  'Idempotency-Key': z
    .string()
    .optional()
    .meta({ description: 'The same key at the same address within 24 hours is the same change, and made once' }),
})

export const readHeaders = z.object({
  Prefer: prefer,
  'If-None-Match': z.string().optional().meta({
    description: 'The ETag of what is known: 304 while it is unchanged, and with `Prefer: wait` the next change',
  }),
})

export const streamHeaders = z.object({
  'Last-Event-ID': z
    .string()
    .regex(/^\d{0,15}$/)
    .optional()
    .meta({ description: 'Only what came after this sequence of the log' }),
})

export const matchHeaders = z.object({
  'If-Match': z.string().optional().meta({ description: 'The ETag that must still hold' }),
  'If-None-Match': z.string().optional().meta({ description: '`*`: there must be none yet' }),
})

/** Of answers. */
export const locationHeader = z.object({ Location: z.string().meta({ description: 'Where the job is' }) })
export const replayedHeader = z.object({
  'Idempotency-Replayed': z
    .literal('true')
    .optional()
    .meta({ description: 'An earlier request under this key did it' }),
})
export const etagHeader = z.object({ ETag: z.string().meta({ description: 'The version of what is shown' }) })
export const linkHeader = z.object({ Link: z.string().optional().meta({ description: 'The next page, `rel="next"`' }) })
