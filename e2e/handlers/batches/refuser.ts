import type { BatchMessage } from '../../../services/ingest/handlers/handler.ts'

export const run = (messages: BatchMessage[]) => ({
  outcomes: messages.map(({ value }) => (value === 'refused' ? { failed: 'refused' } : 'done')),
})
