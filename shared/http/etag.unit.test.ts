import { expect, test } from 'vitest'
import { matchesEtag } from './etag.ts'

test.each(['"12"', 'W/"12"', '"11", "12"', '"11",W/"12" ', '*'])('If-None-Match: %s names "12"', (header) => {
  expect(matchesEtag(header, '"12"')).toBe(true)
})

test.each(['', '12', '"123"', '"1","2"', 'W/12', '**', ','])('If-None-Match: %s does not', (header) => {
  expect(matchesEtag(header, '"12"')).toBe(false)
})
