import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { jobErrorSchema } from '#shared/contracts/log/job.ts'
import { hostile, makeHostile } from '../../e2e/foreign/hostile.ts'
import { describeThrown, errorForLog, messageOf, textOf } from './foreign.ts'
import { isTooDeep, jsonOf } from './foreign-json.ts'

/** Limit of message and causes together. */
const ERROR_MAX_LENGTH = 2_000 + 8 * 500 + 18 * 100

test('whatever is thrown becomes an error of bounded, well-formed texts', () => {
  fc.assert(
    fc.property(hostile, (spec) => {
      const error = describeThrown(makeHostile(spec))
      expect(jobErrorSchema.safeParse(error).success).toBe(true)
      const texts = [error, ...(error.causes ?? [])].flatMap(({ name, message, code = '' }) => [name, message, code])
      expect(texts.every((text) => text.isWellFormed())).toBe(true)
      expect(texts.join('').length).toBeLessThanOrEqual(ERROR_MAX_LENGTH)
    }),
    { numRuns: 500 },
  )
})

test('the message that an error was made with is shown, unless it was given another', () => {
  fc.assert(
    fc.property(hostile, (spec) => {
      if (spec.kind !== 'error' || spec.set.stack !== undefined) return
      if (spec.set.message === undefined) expect(describeThrown(makeHostile(spec)).message).toContain(spec.said)
    }),
    { numRuns: 500 },
  )
})

test('any value becomes text of at most so many characters', () => {
  fc.assert(
    fc.property(hostile, fc.integer({ min: 0, max: 50 }), (spec, maxLength) => {
      const text = textOf(makeHostile(spec), maxLength)
      expect(text.length).toBeLessThanOrEqual(maxLength)
      expect(text.isWellFormed()).toBe(true)
    }),
  )
})

test('any value becomes JSON that is well formed and no deeper than a body, or a reason', () => {
  fc.assert(
    fc.property(hostile, (spec) => {
      const found = jsonOf(makeHostile(spec), 100_000)
      if (found.kind !== 'json') return
      expect(Buffer.byteLength(found.json)).toBeLessThanOrEqual(100_000)
      expect(JSON.parse(found.json)).toBeDefined()
      expect(found.json).not.toMatch(/[^\\](\\\\)*\\ud[89a-f]/)
    }),
    { numRuns: 500 },
  )
})

test('JSON that is good stays as it is, to the letter', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 20 }), (json) => {
      const value: unknown = JSON.parse(json)
      expect(jsonOf(value, 1e6)).toEqual({ kind: 'json', json: JSON.stringify(value) })
    }),
  )
})

test('messages of every form are told', () => {
  const withMessage = (message: unknown) => messageOf(Object.assign(new Error('the reason'), { message }))
  expect(withMessage(['width must be a number', 'height too'])).toBe('width must be a number; height too')
  expect(withMessage({ en: 'bad' })).toBe('{"en":"bad"}')
  expect(withMessage(404)).toBe('404')
  for (const none of [undefined, null, '']) expect(withMessage(none)).toBe('Error')
  expect(messageOf({ statusCode: 400, message: ['a', 'b'] })).toBe('a; b')
  expect(messageOf('plain')).toBe('plain')
  expect(messageOf({ status: 5 })).toBe('{"status":5}')
  expect(messageOf(undefined)).toBe('undefined')
  expect(messageOf(10n)).toBe('10n')
})

test('an error without a message keeps its name and code, and its message is empty', () => {
  class AssertionError extends Error {
    override name = 'AssertionError'
  }
  const code = 'E7'
  expect(describeThrown(new Error(''))).toEqual({ name: 'Error', message: '' })
  expect(describeThrown(Object.assign(new AssertionError(), { code }))).toEqual({
    name: 'AssertionError',
    message: '',
    code,
  })
  expect(describeThrown({ name: 'AssertionError', message: '', code })).toEqual({
    name: 'AssertionError',
    message: '',
    code,
  })
  expect(describeThrown({ name: 'AssertionError', message: '' })).toEqual({ name: 'AssertionError', message: '' })
  expect(describeThrown({ message: '', code: 7 })).toEqual({ name: 'Error', message: '', code: '7' })
  expect(describeThrown({ message: '', status: 7 }).message).toBe('{"message":"","status":7}')
  const cause = { name: 'AssertionError', message: '' }
  expect(describeThrown(new Error('wrapped', { cause })).causes).toEqual([cause])
  expect(messageOf({ name: 'AssertionError', message: '' })).toBe('AssertionError')
})

test('a message that was taken away is told where the stack still has it', () => {
  for (const none of [undefined, null, '']) {
    const error = new TypeError('the reason')
    expect(error.stack).toContain('the reason')
    expect(messageOf(Object.assign(error, { message: none }))).toBe('the reason')
  }
})

test('causes and the parts of an AggregateError are told from the outside in, each once', () => {
  const refused = [1, 2].map((n) => Object.assign(new Error(`refused ${n}`), { code: 'ECONNREFUSED' }))
  const inner = new AggregateError(refused)
  const outer = new TypeError('fetch failed', { cause: inner })
  expect(describeThrown(outer)).toEqual({
    name: 'TypeError',
    message: 'fetch failed',
    causes: [
      { name: 'AggregateError', message: '' },
      { name: 'Error', message: 'refused 1', code: 'ECONNREFUSED' },
      { name: 'Error', message: 'refused 2', code: 'ECONNREFUSED' },
    ],
  })
  expect(messageOf(inner)).toBe('refused 1; refused 2')
  Object.assign(refused[0]!, { cause: outer })
  expect(describeThrown(outer).causes).toHaveLength(3)
})

test('an error that is wrapped without another word is told once', () => {
  const error = new Error('blocked', { cause: new Error('blocked', { cause: new Error('by the firewall') }) })
  expect(describeThrown(error).causes).toEqual([{ name: 'Error', message: 'by the firewall' }])
})

test('a text is cut between characters', () => {
  expect(describeThrown(new Error(`${'a'.repeat(1_999)}😀`)).message).toBe('a'.repeat(1_999))
  expect(textOf('😀', 1)).toBe('')
  expect(textOf('😀', 2)).toBe('😀')
})

test('the log gets the stack too, and only as text', () => {
  expect(errorForLog(new Error('no')).stack).toContain('foreign.unit.test.ts')
  expect(errorForLog({ message: 'no', stack: 5 })).toEqual({ name: 'Error', message: 'no' })
})

test('a result is refused for what is wrong with it', () => {
  let deep: unknown = 1
  for (let level = 0; level < 20_000; level++) deep = [deep]
  expect(jsonOf(deep, 1e9)).toEqual({ kind: 'too_deep' })
  expect(jsonOf('x'.repeat(20), 20)).toEqual({ kind: 'too_large', bytes: 22 })
  expect(jsonOf(1n, 100)).toMatchObject({ kind: 'not_json' })
  expect(jsonOf({ ['a\ud83d']: ['\ud83d', '\\ud83d'] }, 100)).toEqual({
    kind: 'json',
    json: JSON.stringify({ 'a\ufffd': ['\ufffd', '\\ud83d'] }),
  })
})

test('what makes other values each time it is looked at, without end, is described all the same', () => {
  const endless = (): unknown => new Proxy({}, { get: endless })
  expect(describeThrown(endless()).message).toBe('{}')
  class Wrapped extends Error {
    override get cause() {
      return new Wrapped(this.message)
    }
  }
  expect(describeThrown(new Wrapped('the reason'))).toEqual({ name: 'Error', message: 'the reason' })
})

test('bytes are not written out as numbers to learn that there are too many', () => {
  // A process has no memory for the JSON of these.
  const file = Buffer.alloc(2 ** 30)
  const tooLarge = { kind: 'too_large', bytes: 2 ** 31 }
  expect(jsonOf(file, 1_000)).toEqual(tooLarge)
  expect(jsonOf({ name: 'a.mp4', file }, 1_000)).toEqual(tooLarge)
  expect(textOf(file)).toContain('Buffer(1073741824)')
  expect(textOf({ file })).toContain('Buffer(1073741824)')
  expect(jsonOf(new DataView(file.buffer), 1_000)).toEqual({ kind: 'json', json: '{}' })
})

test('a depth is told whatever stands in texts', () => {
  const deep = (levels: number) => '[{"a":'.repeat(levels / 2) + '"]}{\\"["' + '}]'.repeat(levels / 2)
  expect(isTooDeep(deep(64))).toBe(false)
  expect(isTooDeep(deep(66))).toBe(true)
  expect(isTooDeep(`[${'{},'.repeat(100)}"${'{'.repeat(100)}"]`)).toBe(false)
})
