import { expect, test, vi } from 'vitest'
import { ConfigError } from './config.ts'
import { complaintsIn, EXIT, explainEnd } from './exit.ts'

/** What is written to stderr, and the exit code. */
function explained(error: unknown): { code: number; text: string } {
  let text = ''
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    text += String(chunk)
    return true
  })
  try {
    return { code: explainEnd(error, 'It failed: '), text }
  } finally {
    write.mockRestore()
  }
}

test('complaints of several lines are read as they were said, under their own headlines', () => {
  const complaints = [
    { about: 'handlers', text: '/jobs/a.ts:1:2: no\n    at b (/jobs/b.ts:3:4)\n    at /jobs/a.ts:1:2' },
    { about: 'settings', text: 'PORT: must be at most 65535, got "x"' },
    { about: 'handlers', text: '/jobs/c.ts: no' },
  ] as const
  const { code, text } = explained(new ConfigError(complaints))
  expect(code).toBe(EXIT.badSettings)
  expect(text).toContain('These handlers cannot be loaded:\n  /jobs/a.ts:1:2: no\n      at b')
  const [first, second, third] = complaints
  expect(complaintsIn(`(node:1) Warning: something\n  else\n${text}`)).toEqual([second, first, third])
})

test('another error is told in a line', () => {
  expect(explained(new Error('no room'))).toEqual({ code: EXIT.failed, text: 'It failed: no room\n' })
})
