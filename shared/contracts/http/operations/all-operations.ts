import { authOperations } from './auth.ts'
import { eventOperations } from './events.ts'
import { jobOperations } from './jobs.ts'
import { messageOperations } from './messages.ts'
import type { Operation } from './operation.ts'
import { overviewOperations } from './overview.ts'
import { definitionOperations, requestOperations } from './requests.ts'
import { scheduleOperations } from './schedules.ts'
import { serviceOperations } from './service.ts'
import { typeOperations } from './types.ts'
import { workOperations } from './work.ts'
import { workerOperations } from './workers.ts'

/** All operations, in the order of the document. */
export const OPERATIONS: readonly Operation[] = [
  jobOperations,
  requestOperations,
  definitionOperations,
  messageOperations,
  eventOperations,
  overviewOperations,
  typeOperations,
  scheduleOperations,
  workerOperations,
  workOperations,
  authOperations,
  serviceOperations,
].flatMap((group): Operation[] => Object.values(group))
