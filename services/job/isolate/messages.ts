import type { HandlerOutcome } from '../run-handler.ts'

/** Parent to child: the one job to run. */
export interface ChildJob {
  type: string
  payload: unknown
  jobId: string
  objectId: string
  createdAt: string
  attempt: number
  fencingToken: number
}

/** Child to parent. */
export type ChildMessage =
  | { kind: 'ready' }
  | { kind: 'outcome'; outcome: HandlerOutcome }
  | { kind: 'progress'; percent: number; message: string | null; data: unknown }
