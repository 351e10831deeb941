import type { Handler } from 'hasty/handler'
import { z } from 'zod'

const payload = z.strictObject({ issue: z.string(), readers: z.array(z.string()).max(1_000) })

export const handler = {
  type: 'newsletter',
  schema: payload,
  async run({ issue, readers }, { create, signal }) {
    for (const reader of readers) {
      signal.throwIfAborted()
      await create(`mail-${reader}`, 'mail', { issue, reader }, { priority: 'low' })
    }
    return { mails: readers.length }
  },
} satisfies Handler<typeof payload>
