import { z } from 'zod'

export const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
/** Names of tenants, definitions, steps, jobs of a step, and signals. */
export const nameSchema = z
  .string()
  .regex(NAME_PATTERN, 'must be 1 to 64 letters, digits or ._-, a letter or digit first')
