import type { Context } from 'koa'
import { BATCH_MAX_BYTES, BATCH_MAX_JOBS, BATCH_MAX_MEMBERS, NDJSON } from '#shared/contracts/http/job-batch.ts'
import { BODY_MAX_BYTES, type CreateJobBody, createJobBodySchema } from '#shared/contracts/http/jobs.ts'
import { AppError } from '#shared/errors/app-error.ts'
import { zodMessages } from '#shared/errors/zod-messages.ts'
import { ndjsonLines } from '#shared/http/ndjson-lines.ts'
import { invalidBody, readBytes } from '#shared/http/read-body.ts'
import { parseStrictJson } from '#shared/http/strict-json.ts'

/** A job of the batch, or the error of one that is invalid. */
export type BatchEntry = CreateJobBody | AppError

/**
 * The jobs of a body, in their order: a JSON array, or one JSON value per line. An array that cannot be parsed is no
 * batch; a line that cannot be parsed is one bad job.
 * @throws AppError
 */
export async function readBatch(ctx: Context): Promise<BatchEntry[]> {
  const { raw, mediaType } = await readBytes(ctx, ['application/json', NDJSON], BATCH_MAX_BYTES)
  return mediaType === NDJSON ? readLines(raw) : readArray(raw)
}

async function readArray(raw: Buffer): Promise<BatchEntry[]> {
  const values = parseStrictJson(raw, BATCH_MAX_MEMBERS)
  if (!Array.isArray(values)) throw new AppError('invalid-request', 'The body must be an array of jobs.')
  return inSlices(values, (value) => value, sizeOfValue)
}

async function readLines(raw: Buffer): Promise<BatchEntry[]> {
  return inSlices(
    ndjsonLines(raw, BATCH_MAX_JOBS),
    (line) => parseStrictJson(line),
    (line) => line.length,
  )
}

/** Number of jobs that are read before other requests get their turn. */
const SLICE = 200

async function inSlices<T>(
  items: T[],
  parse: (item: T) => unknown,
  sizeOf: (item: T) => number,
): Promise<BatchEntry[]> {
  if (items.length === 0) throw new AppError('invalid-request', 'The batch has no jobs.')
  if (items.length > BATCH_MAX_JOBS) {
    throw new AppError('payload-too-large', `A batch may have at most ${BATCH_MAX_JOBS} jobs.`)
  }
  const entries: BatchEntry[] = []
  for (const item of items) {
    entries.push(sizeOf(item) > BODY_MAX_BYTES ? tooLarge() : toEntry(item, parse))
    if (entries.length % SLICE === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  return entries
}

/** Size of a value as it will be stored: a short number may be long when it is written out. */
const sizeOfValue = (value: unknown): number => Buffer.byteLength(JSON.stringify(value))

const tooLarge = (): AppError =>
  new AppError('payload-too-large', `A job of a batch may have at most ${BODY_MAX_BYTES} bytes.`)

function toEntry<T>(item: T, parse: (item: T) => unknown): BatchEntry {
  try {
    const parsed = createJobBodySchema.safeParse(parse(item), { error: zodMessages })
    return parsed.success ? parsed.data : invalidBody(parsed.error)
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
}
