import type { RequestRecord } from './record.ts'

/**
 * A copy of a record for a decision to change: its own are the record, its steps and tasks, and the lists that grow.
 * Plan, params, extras, results and attempts are shared with the original: a decision replaces them and never changes
 * them. A clone of everything took a tenth of the workflow service's CPU.
 */
export const draftOf = (record: RequestRecord): RequestRecord => ({
  ...record,
  steps: record.steps.map((step) => ({
    ...step,
    tasks: step.tasks.map((task) => ({ ...task })),
    writers: { ...step.writers },
  })),
  undo: record.undo?.map((task) => ({ ...task })) ?? null,
  signals: [...record.signals],
  events: [...record.events],
})
