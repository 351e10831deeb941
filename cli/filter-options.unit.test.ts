import { Command } from 'commander'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { addFilterOptions, type FilterFlags } from './filter-options.ts'

function createdAfter(text: string): string | undefined {
  const command = addFilterOptions(new Command())
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
  return command.parse(['--created-after', text], { from: 'user' }).opts<FilterFlags>().createdAfter
}

test('a time is RFC 3339, a day, or so long ago', () => {
  expect(createdAfter('2026-11-22T08:00:00+01:00')).toBe('2026-11-22T07:00:00.000Z')
  expect(createdAfter('2026-11-22')).toBe('2026-11-22T00:00:00.000Z')
  const agoMs = Date.now() - Date.parse(createdAfter('1h') ?? '')
  expect(Math.abs(agoMs - 3_600_000)).toBeLessThan(5_000)
})

test('whatever else is no time, and not the year 2001', () => {
  for (const bad of ['1', '12', '2026', 'May', '2026-02-30', '2026-11-22T08:00:00', '36501d', ''])
    expect(() => createdAfter(bad)).toThrow(/Give a/)
  fc.assert(
    fc.property(
      fc.string().filter((text) => !/^\d+(\.\d+)?(ms|s|m|h|d)$|^\d{4}-/.test(text)),
      (text) => {
        expect(() => createdAfter(text)).toThrow()
      },
    ),
  )
})
