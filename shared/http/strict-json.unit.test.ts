import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BODY_MAX_DEPTH, BODY_MAX_MEMBERS } from '#shared/contracts/http/jobs.ts'
import { AppError } from '#shared/errors/app-error.ts'
import { parseStrictJson } from './strict-json.ts'

const parse = (text: string | Buffer): unknown => parseStrictJson(Buffer.from(text))

/** The code of the refusal; null when the text is accepted. */
function refusal(text: string | Buffer): string | null {
  try {
    parse(text)
    return null
  } catch (error) {
    if (error instanceof AppError) return error.code
    throw error
  }
}

/** Spaces, tabs and line ends wherever JSON allows them. */
const withSpaces = (value: unknown, indent: string | number): string =>
  JSON.stringify(value, null, indent).replaceAll('\n', '\r\n')

/** Every character as an escape, as a careful encoder may write it. */
const escaped = (text: string): string =>
  `"${[...Array(text.length).keys()].map((i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')}"`

const name = fc.string({ unit: 'binary', maxLength: 8 }).filter((text) => text !== '__proto__' && text.isWellFormed())

describe('what is fine', () => {
  test('is parsed to the same as by JSON.parse, however it is spaced', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.constantFrom(0, 1, '\t'), (json, indent) => {
        fc.pre(!json.includes('__proto__') && !json.includes('constructor'))
        const value: unknown = JSON.parse(json)
        expect(parse(json)).toEqual(value)
        expect(parse(withSpaces(value, indent))).toEqual(value)
      }),
      { numRuns: 500 },
    )
  })

  test('may hold any text, as it is or escaped, also as a name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), name, (text, key) => {
        fc.pre(text.isWellFormed())
        expect(parse(JSON.stringify({ [key]: text }))).toEqual({ [key]: text })
        expect(parse(`{${escaped(key)}:${escaped(text)}}`)).toEqual({ [key]: text })
      }),
    )
  })

  test('may hold any number that a double can', () => {
    fc.assert(
      fc.property(fc.double({ noDefaultInfinity: true, noNaN: true }), (number) => {
        expect(parse(`[${JSON.stringify(number)},${number.toExponential()}]`)).toEqual(
          JSON.parse(`[${JSON.stringify(number)},${number.toExponential()}]`),
        )
      }),
    )
  })

  test.each([
    ['the same name in two objects', '{"a":{"b":1},"c":{"b":1},"b":[{"b":1},{"b":2}]}'],
    ['a name that is also a value', '{"a":"b","b":"a"}'],
    ['names that differ in case or form only', '{"é":1,"e\u0301":2,"E":3,"e":4}'],
    ['signs of JSON inside strings', '{"{\\"a\\":[,":"}],:\\\\","a":"\\\\\\""}'],
    ['numbers inside strings', '["1e400","9e9999"]'],
    ['prototype away from constructor', '{"prototype":{"constructor":{"a":1}}}'],
    ['a byte order mark in front', '\ufeff{"a":1}'],
    ['a value that is no object', '"just text"'],
    ['numbers too small to tell from 0', '[1e-400,-0]'],
  ])('such as %s', (_, text) => {
    expect(parse(text)).toEqual(JSON.parse(text.replace(/^\ufeff/, '')))
  })
})

describe('what is refused', () => {
  test('a name twice in one object, wherever it stands and however it is written', () => {
    const member = fc.tuple(name, fc.jsonValue({ maxDepth: 2 }))
    fc.assert(
      fc.property(
        fc.array(member, { maxLength: 5 }),
        name,
        fc.nat(),
        fc.boolean(),
        fc.nat(3),
        (members, key, at, isEscaped, depth) => {
          const others = new Map(members.filter(([other]) => other !== key))
          fc.pre(!JSON.stringify([...others.values()]).includes('__proto__'))
          const texts = [...others].map(([other, value]) => `${JSON.stringify(other)}: ${JSON.stringify(value)}`)
          texts.splice(at % (texts.length + 1), 0, `${JSON.stringify(key)}:{"x":[]}`)
          texts.push(`${isEscaped ? escaped(key) : JSON.stringify(key)} :1`)
          const text = `${'[{"in":'.repeat(depth)}{${texts.join(',')}}${'}]'.repeat(depth)}`
          expect(() => JSON.parse(text) as unknown).not.toThrow()
          expect(refusal(text)).toBe('duplicate-member')
        },
      ),
    )
  })

  test('whatever JSON.parse refuses, without repeating any of it', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        fc.pre(!isJson(text))
        const error = thrownBy(() => parse(text))
        expect(error).toMatchObject({ code: 'malformed-json' })
        expect(error.message).toMatch(/^The body is not valid JSON\.( The error is at character \d+\.)?$/)
      }),
    )
  })

  test('bytes that are no UTF-8', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 4, min: 0xf8 }), (bytes) => {
        expect(refusal(Buffer.concat([Buffer.from('"'), bytes, Buffer.from('"')]))).toBe('invalid-unicode')
      }),
    )
  })

  test.each([
    ['half a pair', '"\\ud800"', 'invalid-unicode'],
    ['the other half', '["\\udc00"]', 'invalid-unicode'],
    ['the halves the wrong way round', '"\\udc00\\ud800"', 'invalid-unicode'],
    ['half a pair as a name', '{"\\ud800":1}', 'invalid-unicode'],
    ['__proto__', '{"a":[{"__proto__":1}]}', 'forbidden-member'],
    ['__proto__ with an escape', '{"\\u005f_proto__":1}', 'forbidden-member'],
    ['constructor.prototype', '{"constructor":{"a":1,"prototype":{}}}', 'forbidden-member'],
    ['1e309', '1e309', 'number-out-of-range'],
    ['-1e309 in an array', '[-1e309]', 'number-out-of-range'],
    ['1E+400', '{"a":1E+400}', 'number-out-of-range'],
    ['400 digits', '9'.repeat(400), 'number-out-of-range'],
  ])('%s', (_, text, code) => {
    expect(refusal(text)).toBe(code)
  })

  test.each([
    ['[', ']'],
    ['{"a":', '}'],
  ])('nesting beyond the limit, by %s', (open, close) => {
    const nest = (depth: number) => open.repeat(depth - 1) + (open === '[' ? '[]' : '{}') + close.repeat(depth - 1)
    expect(refusal(nest(BODY_MAX_DEPTH))).toBeNull()
    expect(refusal(nest(BODY_MAX_DEPTH + 1))).toBe('too-deep')
    expect(refusal(nest(100_000))).toBe('too-deep')
  })

  test('members and items beyond the limit, counted together over all levels', () => {
    const members = (count: number) => `{${Array.from({ length: count }, (_, i) => `"${i}":0`).join()}}`
    const items = (count: number) => `[${Array(count).fill('0').join()}]`
    expect(refusal(members(BODY_MAX_MEMBERS))).toBeNull()
    expect(refusal(members(BODY_MAX_MEMBERS + 1))).toBe('too-many-members')
    expect(refusal(items(BODY_MAX_MEMBERS))).toBeNull()
    expect(refusal(items(BODY_MAX_MEMBERS + 2))).toBe('too-many-members')
    expect(refusal(`[${members(BODY_MAX_MEMBERS / 2)},${items(BODY_MAX_MEMBERS / 2)}]`)).toBeNull()
    expect(refusal(`[${members(BODY_MAX_MEMBERS / 2 + 1)},${items(BODY_MAX_MEMBERS / 2 + 1)}]`)).toBe(
      'too-many-members',
    )
  })
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function thrownBy(work: () => unknown): Error {
  try {
    work()
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('nothing was thrown')
}
