import { z } from 'zod'

export const LIST_LIMIT_MAX = 200
const LIST_LIMIT_DEFAULT = 50

/** The query of routes without parameters. */
export const noParameters = z.strictObject({})

/** A whole number in decimal digits alone: `1e2`, `0x10` and an empty text are refused. */
export const wholeNumberParameter = (min: number, max: number) =>
  z
    .string()
    .refine((text) => /^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max, {
      error: `must be a whole number from ${min} to ${max}`,
    })
    .transform(Number)

/** The number's description and bounds in a description of the api. */
export const aboutNumber = (description: string, minimum: number, maximum: number) => ({
  description,
  override: { type: 'integer', minimum, maximum } as const,
})

/** @param description what is counted, such as `Jobs per page` */
export const limitParameter = (description: string, byDefault = LIST_LIMIT_DEFAULT) =>
  wholeNumberParameter(1, LIST_LIMIT_MAX)
    .default(byDefault)
    .meta(aboutNumber(description, 1, LIST_LIMIT_MAX))

interface PageOptions {
  /** By default. */
  limit?: number
  cursorMaxLength?: number
}

/** @param description what is counted, such as `Jobs per page` */
export const pageParameters = (description: string, { limit, cursorMaxLength = 200 }: PageOptions = {}) => ({
  cursor: z.string().min(1).max(cursorMaxLength).optional().meta({ description: '`next_cursor` of the previous page' }),
  limit: limitParameter(description, limit),
})

/** @param description what the time bounds, such as `RFC 3339; created before this time` */
export const timeParameter = (description: string) => z.iso.datetime({ offset: true }).optional().meta({ description })

/** The tenant of which something is shown; only a caller who is bound to none may choose one. */
export const tenantFilterParameter = z
  .string()
  .min(1)
  .max(200)
  .optional()
  .meta({ description: 'Only jobs of this tenant; a token that is bound to a tenant sees only its own' })
