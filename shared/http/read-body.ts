import type { IncomingMessage } from 'node:http'
import type { Context } from 'koa'
import type { z } from 'zod'
import { BODY_MAX_BYTES, BODY_MAX_MEMBERS } from '#shared/contracts/http/jobs.ts'
import type { RequestBody } from '#shared/contracts/http/operations/operation.ts'
import { AppError, detailAbout } from '#shared/errors/app-error.ts'
import { issuesOf } from '#shared/errors/zod-issues.ts'
import { zodMessages } from '#shared/errors/zod-messages.ts'
import { escapeToken } from '#shared/formats/json-pointer.ts'
import { SECOND } from '#shared/time/clock.ts'
import { parseStrictJson } from './strict-json.ts'

/**
 * The JSON body of a request, parsed by its schema.
 * @throws AppError with the code for the fault; nothing of the body but short names is repeated in it
 */
export async function readBody(
  ctx: Context,
  { schema, isOptional = false, membersMax = BODY_MAX_MEMBERS }: RequestBody,
): Promise<unknown> {
  if (isOptional && isEmpty(ctx)) return schema.parse({})
  checkMediaType(ctx, ['application/json'])
  const raw = await readRaw(ctx, BODY_MAX_BYTES)
  if (raw.length === 0) throw emptyBody()
  const parsed = schema.safeParse(parseStrictJson(raw, membersMax), { error: zodMessages })
  if (parsed.success) return parsed.data
  throw invalidBody(parsed.error)
}

const isEmpty = (ctx: Context): boolean =>
  ctx.get('transfer-encoding') === '' && Number(ctx.get('content-length')) === 0

/**
 * The bytes of a body in one of the media types, which the caller parses.
 * @throws AppError
 */
export async function readBytes(
  ctx: Context,
  mediaTypes: string[],
  maxBytes: number,
): Promise<{ raw: Buffer; mediaType: string }> {
  const mediaType = checkMediaType(ctx, mediaTypes)
  const raw = await readRaw(ctx, maxBytes)
  if (raw.length === 0) throw emptyBody()
  return { raw, mediaType }
}

function checkMediaType(ctx: Context, mediaTypes: string[]): string {
  if (isEmpty(ctx)) throw emptyBody()
  const coding = ctx.get('transfer-encoding').toLowerCase()
  if (coding !== '' && coding !== 'chunked') {
    throw new AppError('not-implemented', 'The only supported transfer coding is chunked.')
  }
  const encoding = ctx.get('content-encoding').trim().toLowerCase()
  if (encoding !== '' && encoding !== 'identity') {
    throw new AppError('unsupported-media-type', 'The body must not be compressed.', {
      headers: { 'Accept-Encoding': 'identity' },
    })
  }
  const [mediaType, ...parameters] = ctx.get('content-type').toLowerCase().split(';')
  const found = mediaTypes.find((known) => known === mediaType?.trim())
  if (found === undefined) {
    throw new AppError('unsupported-media-type', `The body must be ${mediaTypes.join(' or ')}.`, {
      headers: { Accept: mediaTypes.join(', ') },
    })
  }
  const charsets = parameters
    .map((parameter) => parameter.trim())
    .filter((parameter) => parameter.startsWith('charset='))
  if (!charsets.every((charset) => /^charset="?utf-?8"?$/.test(charset))) {
    throw new AppError('unsupported-media-type', 'The body must be UTF-8.')
  }
  return found
}

/**
 * The bytes of a body, whatever its media type.
 * @throws AppError
 */
export async function readRaw(ctx: Context, maxBytes: number): Promise<Buffer> {
  const raw = Number(ctx.get('content-length')) > maxBytes ? null : await collect(ctx.req, maxBytes)
  if (raw !== null) return raw
  await passOver(ctx.req)
  throw new AppError('payload-too-large', `The body may have at most ${maxBytes} bytes.`, {
    headers: { Connection: 'close' },
  })
}

/**
 * The bytes of a request; null: there are more than the limit. The parser of Node counts them against Content-Length.
 * @throws AppError `malformed-request` where the client went before the end
 */
function collect(request: IncomingMessage, maxBytes: number): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length
      if (bytes <= maxBytes) chunks.push(chunk)
      else resolve(null)
    }
    const onBroken = (cause?: unknown): void =>
      reject(new AppError('malformed-request', 'The body ended early. Send all of it.', { cause }))
    request.on('data', onData)
    request.once('end', () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    )
    request.once('error', onBroken)
    request.once('close', () => {
      if (!request.complete) onBroken()
    })
  })
}

/**
 * Reads the rest of a body, for a limited time: a client that still sends when the connection is closed never reads the
 * answer.
 */
function passOver(request: IncomingMessage): Promise<void> {
  request.resume()
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, PASS_OVER_MS)
    request.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

const PASS_OVER_MS = 2 * SECOND

const emptyBody = (): AppError => new AppError('invalid-request', 'The body is empty.')

const MAX_SHOWN = 20

/** @param usual the code where members have wrong values, and not only unknown names */
export function invalidBody(
  error: z.ZodError,
  usual: 'invalid-request' | 'invalid-payload' = 'invalid-request',
): AppError {
  const issues = issuesOf(error)
  const errors = issues.slice(0, MAX_SHOWN).flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys')
      return [{ pointer: pointerTo(issue.path), detail: issue.message.slice(0, 200) }]
    return issue.keys
      .slice(0, MAX_SHOWN)
      .map((key) => ({ pointer: pointerTo([...issue.path, key]), detail: 'is not a known member' }))
  })
  const unknown = issues.some((issue) => issue.code === 'unrecognized_keys')
  const known = issues.some((issue) => issue.code !== 'unrecognized_keys')
  const code = unknown && !known ? 'unknown-member' : usual
  const [first] = errors
  return new AppError(code, detailAbout(first?.pointer || 'The body', first?.detail ?? 'is not valid'), {
    members: { errors },
  })
}

/** @param pointer of a member that the body must have here, although its schema lets it be left out */
export const missingMember = (pointer: string): AppError =>
  new AppError('invalid-request', detailAbout(pointer, 'is missing'), {
    members: { errors: [{ pointer, detail: 'is missing' }] },
  })

/** A JSON pointer (RFC 6901) with each step cut short. */
const pointerTo = (path: PropertyKey[]): string =>
  path.map((step) => `/${escapeToken(String(step).slice(0, 60))}`).join('')
