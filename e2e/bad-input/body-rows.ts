import { gzipSync } from 'node:zlib'
import { BODY_MAX_BYTES, BODY_MAX_DEPTH, BODY_MAX_MEMBERS, OBJECT_ID_MAX_BYTES } from '#shared/contracts/http/jobs.ts'
import { JSON_TYPE, job, nested, post, postAs, postChunks, request } from './requests.ts'
import type { Row } from './row.ts'

const tooLong = 'x'.repeat(Math.ceil(BODY_MAX_BYTES * 1.1))
const isByNginx = 'nginx has the same limit and answers before the api sees the request'

/** The body and what is said about it. */
export const bodyRows: Row[] = [
  { what: 'an empty body', request: post(''), expect: '400 invalid-request' },
  { what: 'neither body nor type', request: request('POST /'), expect: '400 invalid-request' },
  { what: '{bad', request: post('{bad'), expect: '400 malformed-json' },
  { what: 'half an object', request: post('{"object_id":"a"'), expect: '400 malformed-json' },
  { what: 'something after it', request: post('{"object_id":"a"} {}'), expect: '400 malformed-json' },
  { what: 'a string', request: post('"x"'), expect: '400 invalid-request' },
  { what: 'null', request: post('null'), expect: '400 invalid-request' },
  { what: 'a number', request: post('1'), expect: '400 invalid-request' },
  { what: 'an array', request: post('[1]'), expect: '400 invalid-request' },
  ...['{}', ...['null', '5', '{}', '[]', '""'].map((value) => `{"object_id":${value}}`)].map((body) => ({
    what: body,
    request: post(body),
    expect: '400 invalid-request' as const,
    pointer: '/object_id',
  })),
  {
    what: `an object_id of ${OBJECT_ID_MAX_BYTES + 1} bytes`,
    request: post(job('x'.repeat(OBJECT_ID_MAX_BYTES + 1))),
    expect: '400 invalid-request',
    pointer: '/object_id',
    why: 'the list refuses 257 characters; DESIGN section 2 allows 512 bytes of any text, and it stands',
  },
  {
    what: 'an object_id of 200 emoji, 800 bytes',
    request: post(job('😀'.repeat(200))),
    expect: '400 invalid-request',
    pointer: '/object_id',
  },
  { what: 'half a surrogate pair', request: post('{"object_id":"\\ud800"}'), expect: '400 invalid-unicode' },
  {
    what: 'half a surrogate pair in a name deep in the payload',
    request: post(job('a', ',"payload":[{"\\udc00":1}]')),
    expect: '400 invalid-unicode',
  },
  {
    what: 'the byte 0xFF',
    request: post(Buffer.from('{"object_id":"\xff"}', 'latin1')),
    expect: '400 invalid-unicode',
  },
  {
    what: 'an unknown member',
    request: post(job('a', ',"status":"finished"')),
    expect: '400 unknown-member',
    pointer: '/status',
  },
  {
    what: 'object_id twice',
    request: post('{"object_id":"a","object_id":"b"}'),
    expect: '400 duplicate-member',
  },
  {
    what: 'object_id twice, once with an escape',
    request: post('{"object_id":"a","object\\u005fid":"b"}'),
    expect: '400 duplicate-member',
  },
  { what: '__proto__', request: post('{"__proto__":{"object_id":"a"}}'), expect: '400 forbidden-member' },
  {
    what: 'constructor.prototype in the payload',
    request: post(job('a', ',"payload":{"constructor":{"prototype":{}}}')),
    expect: '400 forbidden-member',
  },
  {
    what: 'object_id[$ne]= as a form',
    request: postAs('object_id[$ne]=', 'Content-Type: application/x-www-form-urlencoded'),
    expect: '415 unsupported-media-type',
  },
  {
    what: '{"$ne":null} as object_id',
    request: post('{"object_id":{"$ne":null}}'),
    expect: '400 invalid-request',
    pointer: '/object_id',
  },
  { what: '1e400', request: post(job('a', ',"payload":1e400')), expect: '400 number-out-of-range' },
  {
    what: 'a number of 900,000 digits',
    request: post(job('a', `,"payload":${'9'.repeat(900_000)}`)),
    expect: '400 number-out-of-range',
  },
  {
    what: '12345678901234567891 as object_id',
    request: post('{"object_id":12345678901234567891}'),
    expect: '400 number-out-of-range',
    pointer: '/object_id',
  },
  {
    what: 'a whole number that JSON.parse would change',
    request: post(job('a', ',"type":"task","payload":{"data":[0,{"a/b":9007199254740993}]}')),
    expect: '400 number-out-of-range',
    pointer: '/payload/data/1/a~1b',
  },
  {
    what: 'the same, as a fraction of nothing',
    request: post(job('a', ',"payload":9007199254740993.0')),
    expect: '400 number-out-of-range',
    pointer: '/payload',
  },
  {
    what: 'a sleep that no timer counts',
    request: post(job('a', ',"type":"sleep","payload":{"ms":2147483648}')),
    expect: '400 invalid-payload',
    pointer: '/payload/ms',
  },
  {
    what: 'one level too deep',
    request: post(job('a', `,"payload":${nested(BODY_MAX_DEPTH)}`)),
    expect: '400 too-deep',
  },
  {
    what: '100,000 levels',
    request: post(job('a', `,"payload":${nested(100_000)}`)),
    expect: '400 too-deep',
  },
  {
    what: '50,000 members',
    request: post(job('a', `,"payload":{${Array.from({ length: 50_000 }, (_, i) => `"${i}":0`).join()}}`)),
    expect: '400 too-many-members',
  },
  {
    what: 'an array of many items',
    request: post(job('a', `,"payload":[${'0,'.repeat(BODY_MAX_MEMBERS)}0]`)),
    expect: '400 too-many-members',
  },
  {
    what: '1.1 MiB',
    request: post(job(tooLong)),
    expect: '413 payload-too-large',
    nginx: '413 payload-too-large',
    why: isByNginx,
  },
  {
    what: '1.1 MiB in chunks',
    request: postChunks('{"object_id":"', tooLong, '"}'),
    expect: '413 payload-too-large',
    why: isByNginx,
  },
  {
    what: '1.1 MiB as text',
    request: postAs(tooLong, 'Content-Type: text/plain'),
    expect: '415 unsupported-media-type',
    nginx: '413 payload-too-large',
    why: `${isByNginx}; the api looks at the type first`,
  },
  ...[10, 100].map((megabytes) => ({
    what: `gzip of ${megabytes} MB`,
    request: () => post(gzipSync(Buffer.alloc(megabytes << 20), { level: 1 }), 'Content-Encoding: gzip'),
    expect: '415 unsupported-media-type' as const,
  })),
  ...['gzip', 'br', 'zstd', 'gzip, gzip, gzip', 'identity, gzip', 'nonsense'].map((encoding) => ({
    what: `Content-Encoding: ${encoding} and junk`,
    request: post('junk', `Content-Encoding: ${encoding}`),
    expect: '415 unsupported-media-type' as const,
  })),
  { what: 'no Content-Type', request: postAs(job('a')), expect: '415 unsupported-media-type' },
  ...['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'].map((type) => ({
    what: type,
    request: postAs(job('a'), `Content-Type: ${type}`),
    expect: '415 unsupported-media-type' as const,
    header: ['accept', 'application/json'] as [string, string],
  })),
  ...['utf-7', 'utf-16', '"utf-16"', 'utf-8; charset=utf-16'].map((charset) => ({
    what: `charset=${charset}`,
    request: postAs(job('a'), `${JSON_TYPE}; charset=${charset}`),
    expect: '415 unsupported-media-type' as const,
  })),
  {
    what: 'UTF-16 that says nothing',
    request: post(Buffer.from(job('a'), 'utf16le')),
    expect: '400 malformed-json',
  },
]

/** The other members of the body, which came after the list. */
export const memberRows: Row[] = [
  [',"type":"../x"', '/type'],
  [',"type":"Sleep"', '/type'],
  [`,"type":"${'t'.repeat(200)}"`, '/type'],
  [',"priority":"urgent"', '/priority'],
  [',"priority":null', '/priority'],
  [',"timeout_ms":0', '/timeout_ms'],
  [',"timeout_ms":1.5', '/timeout_ms'],
  [',"timeout_ms":"1000"', '/timeout_ms'],
  [',"timeout_ms":86400001', '/timeout_ms'],
].map(([more = '', pointer = '']) => ({
  what: more.slice(1, 60),
  request: post(job('a', more)),
  expect: '400 invalid-request',
  pointer,
}))

memberRows.push(
  { what: 'a type nobody has', request: post(job('a', ',"type":"no-such"')), expect: '400 unknown-type' },
  {
    what: 'a payload that does not fit its type',
    request: post(job('a', ',"payload":{"ms":-1}')),
    expect: '400 invalid-payload',
    pointer: '/payload/ms',
  },
  {
    what: 'a payload of another kind than its type takes',
    request: post(job('a', ',"payload":"no"')),
    expect: '400 invalid-payload',
    pointer: '/payload',
  },
)
