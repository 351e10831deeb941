import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { readMessages } from './read-messages.ts'

const read = (stdin: string | Uint8Array) =>
  readMessages({ readStdin: () => Promise.resolve(typeof stdin === 'string' ? Buffer.from(stdin) : stdin) }, '-')

test('messages are the same with any line ends, blank lines, with a mark in front, and as an array', async () => {
  const message = fc.record({ timestamp: fc.nat(), value: fc.string({ unit: 'grapheme', maxLength: 20 }) })
  const end = fc.constantFrom('\n', '\r\n', '\n\n', ' \r\n\r\n')
  await fc.assert(
    fc.asyncProperty(
      fc.array(message, { minLength: 1, maxLength: 10 }),
      fc.constantFrom('', '\ufeff', '\ufeff\r\n'),
      end,
      fc.boolean(),
      async (messages, start, between, hasLastEnd) => {
        const last = hasLastEnd ? between : ''
        const lines = messages.map((each) => JSON.stringify(each)).join(between)
        expect(await read(start + lines + last)).toEqual(messages)
        expect(await read(start + JSON.stringify(messages, null, between) + last)).toEqual(messages)
      },
    ),
    { numRuns: 300 },
  )
})

test('what cannot be kept, or is no JSON, is said with its line, and nothing is sent', async () => {
  await expect(read('{"timestamp":1}\r\n{"timestamp":9007199254740993}')).rejects.toThrow(
    'Line 2: number-out-of-range: /timestamp is the whole number 9007199254740993',
  )
  await expect(read('{"timestamp":1}\n{')).rejects.toThrow(
    'Line 2 is not valid JSON (line 2, column 2: it ends too soon); nothing was sent.',
  )
  await expect(read('[{"timestamp":1},\n {"timestamp":}]')).rejects.toThrow(
    'The array is not valid JSON (line 2, column 15: unexpected "}"); nothing was sent.',
  )
  await expect(read('\ufeff\r\n')).rejects.toThrow('The file has no messages')
})

test('what the server would refuse is refused before it is changed by reading: bytes that are no text, members that stand twice', async () => {
  await expect(read(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).rejects.toThrow('not UTF-8')
  await expect(read('{"value":"a"}\n{"value":"a","value":"b"}')).rejects.toThrow(
    'Line 2: duplicate-member: /value appears twice in one object; nothing was sent.',
  )
})
