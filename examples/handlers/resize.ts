import type { Handler } from 'hasty/handler'
import { z } from 'zod'
import { heightFor } from './_sizes.ts'

const payload = z.strictObject({
  width: z.number().int().min(1),
  square: z.boolean().default(false),
})

export const handler = {
  type: 'resize',
  policy: { timeout_ms: 30_000, max_attempts: 5 },
  schema: payload,
  async run({ width, square }, context) {
    if (width > 10_000) return context.fail('too wide') // no further attempt
    context.progress(50, 'halfway')
    return { width, height: heightFor(width, square) } // what is thrown is retried
  },
} satisfies Handler<typeof payload>
