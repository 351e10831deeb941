import { expect, test } from 'vitest'
import type { Digest } from '../../client/index.ts'
import { frameOf } from './frame.ts'
import { withDigest } from './history.ts'
import { sparkline } from './sparkline.ts'

const type = (state: Digest['types'][string]['state'], waiting: number | null, out: number | null) => ({
  state,
  waiting,
  running: waiting === null ? null : 0,
  in: out,
  out,
  failed: 0,
})

const digest = (types: Digest['types'], code: Digest['verdict']['code'] = 'healthy'): Digest => ({
  t: '2026-11-22T12:00:05.000Z',
  types,
  workers: code === 'broker_lost' ? null : 2,
  verdict: {
    code,
    type: null,
    detail: 'What it means, in a sentence that may be longer than a narrow line has room for.',
  },
  changed_jobs_at: '2026-11-22T12:00:05.000Z',
})

const frame = (shown: Digest, columns = 100, rows = 24) =>
  frameOf(shown, withDigest(new Map(), shown), { title: 'http://x', columns, rows, paint: (_style, text) => text })

test('what stalls comes first, then what does most, and idle types last', () => {
  const lines = frame(
    digest({
      idle: type('idle', 0, 0),
      little: type('running', 1, 2),
      much: type('running', 9, 20),
      stuck: type('stalled', 3, 0),
    }),
  )
  const names = lines.map((line) => /^ (\w+) +[■●○]/.exec(line)?.[1]).filter((name) => name !== undefined)
  expect(names).toEqual(['stuck', 'much', 'little', 'idle'])
  expect(lines.find((line) => line.includes('much'))).toMatch(/● running +9 +0 +20 +20 +0/)
  expect(lines.join('\n')).toContain('waiting 13   running 0')
})

test.each([40, 60, 80, 200])('no line is longer than a terminal of %i columns, but for those of numbers', (columns) => {
  const lines = frame(digest({ mail: type('running', 1_234_567, 99) }), columns)
  for (const line of lines.slice(0, 5)) expect(line.length).toBeLessThanOrEqual(columns)
})

test('more types than there are lines are counted and left out', () => {
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`t${n}`, type('running', n, 1)]))
  const lines = frame(digest(many), 100, 20)
  expect(lines.length).toBeLessThanOrEqual(20)
  expect(lines.find((line) => line.includes('more, which do less'))).toMatch(/and 3\d more/)
})

test('what is not known is a dash, and never 0', () => {
  const lines = frame(digest({ mail: type('unknown', null, null) }, 'broker_lost'))
  expect(lines[0]).toContain('workers unknown')
  expect(lines[2]).toContain('BROKER LOST')
  expect(lines.find((line) => line.startsWith(' mail'))).toMatch(/unknown +– +– +– +–/)
  expect(sparkline([null, 0, 1, 8], 6)).toBe('  · ▂█')
})
