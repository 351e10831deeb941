import type { Context } from 'koa'
import { z } from 'zod'
import { NDJSON } from '#shared/contracts/http/job-batch.ts'
import { MESSAGES_MAX_MEMBERS, type Message, messageSchema } from '#shared/contracts/http/messages.ts'
import { MESSAGES_MAX, MESSAGES_MAX_BYTES } from '#shared/contracts/log/message.ts'
import { AppError } from '#shared/errors/app-error.ts'
import { issuesOf } from '#shared/errors/zod-issues.ts'
import { zodMessages } from '#shared/errors/zod-messages.ts'
import { ndjsonLines } from '#shared/http/ndjson-lines.ts'
import { invalidBody, readBytes } from '#shared/http/read-body.ts'
import { numberOutOfRange, parseStrictJson } from '#shared/http/strict-json.ts'

/**
 * The messages of a body, in their order: a JSON array, or one JSON value per line.
 * @throws AppError, with the faults of the first 20 invalid messages
 */
export async function readMessages(ctx: Context): Promise<Message[]> {
  const { raw, mediaType } = await readBytes(ctx, ['application/json', NDJSON], MESSAGES_MAX_BYTES)
  if (mediaType === NDJSON) return checkEach(ndjsonLines(raw, MESSAGES_MAX), (line) => parseStrictJson(line))
  const values = parseStrictJson(raw, MESSAGES_MAX_MEMBERS)
  if (!Array.isArray(values)) throw new AppError('invalid-request', 'The body must be an array of messages.')
  return checkEach(values, (value) => value)
}

/** Number of messages that are checked before other requests get their turn. */
const SLICE = 500
const BAD_SHOWN = 20

async function checkEach<T>(items: T[], parse: (item: T) => unknown): Promise<Message[]> {
  if (items.length === 0) throw new AppError('invalid-request', 'The body has no messages.')
  if (items.length > MESSAGES_MAX) {
    throw new AppError('payload-too-large', `A request may have at most ${MESSAGES_MAX} messages.`)
  }
  const messages: Message[] = []
  const issues: z.core.$ZodIssue[] = []
  for (const [index, item] of items.entries()) {
    if (index % SLICE === SLICE - 1) await new Promise((resolve) => setImmediate(resolve))
    const checked = checkOne(item, index, parse)
    if (!('problem' in checked)) messages.push(checked.message)
    else if (issues.push({ ...checked.problem, path: [index, ...checked.problem.path] }) === BAD_SHOWN) break
  }
  if (issues.length > 0) throw invalidBody(new z.ZodError(issues))
  return messages
}

/** Checks one message. Only its first fault is reported, so that there is room for other invalid messages. */
function checkOne<T>(
  item: T,
  index: number,
  parse: (item: T) => unknown,
): { message: Message } | { problem: z.core.$ZodIssue } {
  const problem = (message: string) => ({ problem: { code: 'custom' as const, message, path: [], input: undefined } })
  try {
    const { success, data, error } = messageSchema.safeParse(parse(item), { error: zodMessages })
    if (success) return { message: data }
    const [issue] = issuesOf(error)
    if (issue === undefined) return problem('is not valid')
    return { problem: issue.code === 'unrecognized_keys' ? { ...issue, keys: issue.keys.slice(0, 1) } : issue }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    if (error.code === 'number-out-of-range') throw atIndex(error, index)
    return problem(error.message)
  }
}

/** The error of a line, which only knows its place within that line, at its index in the body. */
function atIndex(error: AppError, index: number): AppError {
  const [inLine] = error.members['errors'] as { pointer: string; detail: string }[]
  return numberOutOfRange(`/${index}${inLine?.pointer ?? ''}`, inLine?.detail ?? '')
}
