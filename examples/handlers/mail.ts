import type { Handler } from 'hasty/handler'

/** Stands for sending a mail. */
export const handler = {
  type: 'mail',
  policy: { max_attempts: 10 },
  run({ issue, reader }, { log }) {
    log.info({ reader }, `issue ${issue} is sent`)
  },
} satisfies Handler<{ issue: string; reader: string }>
