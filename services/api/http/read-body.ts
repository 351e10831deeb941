import type { Context } from 'koa'
import getRawBody from 'raw-body'
import type { z } from 'zod'
import { BODY_MAX_BYTES } from '#shared/contracts/http.ts'
import { AppError } from '#shared/runtime/errors.ts'
import { parseStrictJson } from './strict-json.ts'

/**
 * The JSON body of a request, parsed by its schema.
 * @throws AppError with the code for what is wrong; nothing of the body is repeated in it but short names
 */
export async function readBody<T extends z.ZodType>(ctx: Context, schema: T): Promise<z.output<T>> {
  checkMediaType(ctx)
  const raw = await readRaw(ctx)
  if (raw.length === 0) throw new AppError('invalid-request', 'The body is empty.')
  const parsed = schema.safeParse(parseStrictJson(raw))
  if (parsed.success) return parsed.data
  throw invalidBody(parsed.error)
}

function checkMediaType(ctx: Context): void {
  const encoding = ctx.get('content-encoding').trim().toLowerCase()
  if (encoding !== '' && encoding !== 'identity') {
    throw new AppError('unsupported-media-type', 'The body must not be compressed.', {
      headers: { 'Accept-Encoding': 'identity' },
    })
  }
  const [mediaType, ...parameters] = ctx.get('content-type').toLowerCase().split(';')
  if (mediaType?.trim() !== 'application/json') {
    throw new AppError('unsupported-media-type', 'The body must be application/json.', {
      headers: { Accept: 'application/json' },
    })
  }
  const charset = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith('charset='))
  if (charset !== undefined && !/^charset="?utf-?8"?$/.test(charset)) {
    throw new AppError('unsupported-media-type', 'The body must be UTF-8.')
  }
}

async function readRaw(ctx: Context): Promise<Buffer> {
  const announced = Number(ctx.get('content-length') || 0)
  if (announced > BODY_MAX_BYTES) throw tooLarge()
  try {
    return await getRawBody(ctx.req, { limit: BODY_MAX_BYTES })
  } catch (error) {
    const type = error instanceof Error && 'type' in error ? error.type : undefined
    if (type === 'entity.too.large') throw tooLarge()
    throw new AppError('malformed-request', 'The body ended too early.', { cause: error })
  }
}

/** The rest of the body is not read: the connection must not be used again. */
const tooLarge = (): AppError =>
  new AppError('payload-too-large', `The body may have at most ${BODY_MAX_BYTES} bytes.`, {
    headers: { Connection: 'close' },
  })

const MAX_SHOWN = 20

export function invalidBody(error: z.ZodError): AppError {
  const errors = error.issues.slice(0, MAX_SHOWN).flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys')
      return [{ pointer: pointerTo(issue.path), detail: issue.message.slice(0, 200) }]
    return issue.keys
      .slice(0, MAX_SHOWN)
      .map((key) => ({ pointer: pointerTo([...issue.path, key]), detail: 'is not a known member' }))
  })
  const unknown = error.issues.some((issue) => issue.code === 'unrecognized_keys')
  const known = error.issues.some((issue) => issue.code !== 'unrecognized_keys')
  const code = unknown && !known ? 'unknown-member' : 'invalid-request'
  const [first] = errors
  return new AppError(code, `${first?.pointer || 'The body'}: ${first?.detail ?? 'is not valid'}`, {
    members: { errors },
  })
}

/** RFC 6901, each step cut short. */
const pointerTo = (path: PropertyKey[]): string =>
  path.map((step) => `/${String(step).slice(0, 60).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
