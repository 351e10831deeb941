import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { makeStreamParser, type StreamMessage } from '../../client/parse-event-stream.ts'

const word = fc.stringMatching(/^[a-z: {}"0-9]{0,12}$/).filter((text) => !text.startsWith(' '))
interface Block {
  id: string | null
  event: string | null
  data: string[]
  comment: string | null
}
const block: fc.Arbitrary<Block> = fc.record({
  id: fc.option(fc.nat().map(String), { nil: null }),
  event: fc.option(fc.constantFrom('job:created', 'reset'), { nil: null }),
  data: fc.array(word, { maxLength: 3 }),
  comment: fc.option(word, { nil: null }),
})

/** The result by the standard: for each block its event, and the position of the stream by then. */
function expected(blocks: Block[]): StreamMessage[] {
  let last = ''
  return blocks.flatMap(({ id, event, data }) => {
    last = id ?? last
    if (data.length === 0 && id === null) return []
    return [{ event: event ?? 'message', data: data.length === 0 ? null : data.join('\n'), id: last }]
  })
}

test('a stream says the same however it is cut, with any line ends', () => {
  fc.assert(
    fc.property(
      fc.array(block, { maxLength: 8 }),
      fc.constantFrom('\n', '\r\n', '\r'),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 }),
      (blocks, end, sizes) => {
        const text = blocks
          .map(({ id, event, data, comment }) =>
            [
              ...(comment === null ? [] : [`:${comment}`]),
              ...(id === null ? [] : [`id: ${id}`]),
              ...(event === null ? [] : [`event:${event}`]),
              ...data.map((line) => `data: ${line}`),
              '',
              '',
            ].join(end),
          )
          .join('')
        const parse = makeStreamParser()
        const seen: StreamMessage[] = []
        for (let at = 0, n = 0; at < text.length; n++) {
          const size = sizes[n % sizes.length] ?? 1
          seen.push(...parse(text.slice(at, at + size)))
          at += size
        }
        // A return at the very end may yet be half of a line break.
        seen.push(...parse(':\n'))
        expect(seen).toEqual(expected(blocks))
      },
    ),
    { numRuns: 500 },
  )
})
