import type { RequestRecord, Task } from './record.ts'

/** Bytes of JSON: for one job, and for all jobs of a request. */
const RESULT_MAX_BYTES = 16 * 1024
const RESULTS_MAX_BYTES = 1024 * 1024

const bytesOf = (result: unknown): number => Buffer.byteLength(JSON.stringify(result))

/** Keeps a result unless it is large: the record is one message, and a large result stays at the job alone. */
export function keepResult(draft: RequestRecord, task: Task, result: unknown): void {
  dropResult(draft, task)
  if (result === null || result === undefined) return
  const bytes = bytesOf(result)
  const fits = bytes <= RESULT_MAX_BYTES && draft.result_bytes + bytes <= RESULTS_MAX_BYTES
  if (!fits) {
    task.result_omitted = true
    return
  }
  task.result = result
  draft.result_bytes += bytes
}

export function dropResult(draft: RequestRecord, task: Task): void {
  if (task.result !== null) draft.result_bytes -= bytesOf(task.result)
  task.result = null
  delete task.result_omitted
}
