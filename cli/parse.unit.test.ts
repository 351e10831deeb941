import { expect, test } from 'vitest'
import { withoutControls } from './output.ts'
import { parseDuration, parseJobId, parseJson, parseNumbers, parseRate, parseWhole } from './parse.ts'
import { progressBar } from './progress-bar.ts'
import { formatTable } from './table.ts'

test('durations carry a unit; without one they are seconds', () => {
  const texts = ['500ms', '30s', '5m', '2h', '1d', '0.5s', '10']
  expect(texts.map(parseDuration)).toEqual([500, 30_000, 300_000, 7_200_000, 86_400_000, 500, 10_000])
  for (const bad of ['', 's', '-1s', '1w', '1 s', '1e3', '36501d', '9'.repeat(400)])
    expect(() => parseDuration(bad)).toThrow('Give a duration')
  expect(parseDuration('36500d')).toBe(36_500 * 86_400_000)
})

test('numbers are given with commas between', () => {
  expect(parseNumbers('1,-2, 3.5')).toEqual([1, -2, 3.5])
  for (const bad of ['', '1,', '1,,2', '1,x', 'Infinity', '0x10', '1e400'])
    expect(() => parseNumbers(bad)).toThrow('Give numbers')
  expect(() => parseNumbers('1,9007199254740993')).toThrow('9007199254740993 is too long')
})

test('counts and rates have limits', () => {
  expect(parseWhole(1, 100)('100')).toBe(100)
  for (const bad of ['0', '101', '1.5', 'x', '']) expect(() => parseWhole(1, 100)(bad)).toThrow('from 1 to 100')
  expect(parseRate('0.5')).toBe(0.5)
  for (const bad of ['0', '-1', 'x', '']) expect(() => parseRate(bad)).toThrow('above 0')
})

test('a task is a job by another name', () => {
  expect(['task_abc', 'abc', ' abc\n', '\ufefftask_abc\r\n'].map(parseJobId)).toEqual(['abc', 'abc', 'abc', 'abc'])
})

test('JSON is taken with the mark of an editor, and not with a number that would become another one', () => {
  expect(parseJson('\ufeff{"a":1}\r\n')).toEqual({ a: 1 })
  expect(() => parseJson('{')).toThrow('not valid JSON')
  expect(() => parseJson('{"data":{"id":1970670598291982290}}')).toThrow(
    'number-out-of-range: /data/id is the whole number 1970670598291982290, which JSON readers would change; send it as a string.',
  )
})

test('a bar shows the percentage and fits the line', () => {
  expect(progressBar(50, 'half', 80)).toBe(`[${'#'.repeat(15)}${'-'.repeat(15)}]  50 %  half`)
  expect(progressBar(200, '', 80)).toBe(`[${'#'.repeat(30)}] 100 %  `)
  expect(progressBar(1, 'x'.repeat(100), 60)).toHaveLength(59)
})

test('a table is aligned, and cut where the line ends', () => {
  expect(
    formatTable(
      ['A', 'B'],
      [
        ['long', 'x'],
        ['s', 'a very long note'],
      ],
      10,
    ),
  ).toEqual(['A     B', 'long  x', 's     a ve'])
})

test('what others wrote cannot steer the terminal', () => {
  expect(withoutControls('a\u001B[2Jb\r\nc\u009Bd \u001B[31mred\u001B[39m ü')).toBe(
    'a\uFFFD[2Jb\uFFFD\uFFFDc\uFFFDd \u001B[31mred\u001B[39m ü',
  )
})

test('long cells are cut, and the last one where the line ends', () => {
  expect(formatTable(['A', 'B'], [['x'.repeat(500), 'y'.repeat(500)]], 200)[1]).toBe(
    `${'x'.repeat(59)}…  ${'y'.repeat(138)}`,
  )
})
