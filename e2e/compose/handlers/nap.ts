import type { Handler } from 'hasty/handler'
// Hasty's own: there is none in a folder that compose mounts.
import { z } from 'zod'
import { pause } from './_pause.ts'

const payload = z.strictObject({ ms: z.number() })

/** Sleeps as long as its payload says. */
export const handler = {
  type: 'nap',
  policy: { timeout_ms: 20_000, cooldown: false },
  schema: payload,
  run: ({ ms }) => pause(ms),
} satisfies Handler<typeof payload>
