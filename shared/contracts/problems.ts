/** Every error code of the HTTP interface, with its status and title. The code is stable; the detail is for people. */
export const PROBLEMS = {
  'malformed-request': { status: 400, title: 'The request is not valid HTTP' },
  'malformed-json': { status: 400, title: 'The body is not valid JSON' },
  'invalid-unicode': { status: 400, title: 'The body is not valid Unicode' },
  'duplicate-member': { status: 400, title: 'A member stands twice in one object' },
  'forbidden-member': { status: 400, title: 'A member has a name that is not allowed' },
  'number-out-of-range': { status: 400, title: 'A number cannot be represented' },
  'too-deep': { status: 400, title: 'The body is nested too deeply' },
  'too-many-members': { status: 400, title: 'The body has too many members' },
  'unknown-member': { status: 400, title: 'The body has a member that is not known' },
  'invalid-request': { status: 400, title: 'The request is not valid' },
  'invalid-header': { status: 400, title: 'A header is not valid' },
  'unknown-type': { status: 400, title: 'No such job type' },
  'invalid-payload': { status: 400, title: 'The payload does not fit its job type' },
  'job-not-found': { status: 404, title: 'No such job' },
  'not-found': { status: 404, title: 'No such resource' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'not-acceptable': { status: 406, title: 'The answer is not available in an accepted media type' },
  'request-timeout': { status: 408, title: 'The request took too long to arrive' },
  /** 400 at `POST /`, 409 under /v1. */
  cooldown: { status: 409, title: 'This object_id was used a short time ago' },
  'payload-too-large': { status: 413, title: 'The body is too large' },
  'uri-too-long': { status: 414, title: 'The address is too long' },
  'unsupported-media-type': { status: 415, title: 'The media type or encoding is not supported' },
  'expectation-failed': { status: 417, title: 'The expectation cannot be met' },
  'key-reused': { status: 422, title: 'This Idempotency-Key was used with another request' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  'headers-too-large': { status: 431, title: 'The headers are too large' },
  internal: { status: 500, title: 'Something went wrong here' },
  'not-implemented': { status: 501, title: 'The method is not known' },
  unavailable: { status: 503, title: 'The service cannot do this right now' },
} as const satisfies Record<string, { status: number; title: string }>

export type ProblemCode = keyof typeof PROBLEMS

/** RFC 9457, served as application/problem+json. */
export interface Problem {
  type: string
  title: string
  status: number
  code: ProblemCode
  detail: string
  instance?: string
  request_id?: string
  [member: string]: unknown
}

export const problemType = (code: ProblemCode): string => `/problems/${code}`
