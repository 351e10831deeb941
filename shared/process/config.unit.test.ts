import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  ConfigError,
  choiceSetting,
  durationSetting,
  flagSetting,
  integerSetting,
  optionalText,
  parseConfig,
  portSetting,
  readLogSettings,
  retentionSetting,
} from './config.ts'

const shape = {
  JOB_TIMEOUT_MS: integerSetting(46_000, 1),
  PORT: portSetting(8080),
  LOG_LEVEL: choiceSetting(['info', 'debug'] as const, 'info'),
  REUSE_PORT: flagSetting(false),
  MONGO_URL: optionalText(),
}

test('defaults fill what is unset or empty', () => {
  expect(parseConfig(shape, { PORT: '' })).toEqual({
    JOB_TIMEOUT_MS: 46_000,
    PORT: 8080,
    LOG_LEVEL: 'info',
    REUSE_PORT: false,
  })
})

test('values are parsed and the result is frozen', () => {
  const config = parseConfig(shape, { PORT: '0', REUSE_PORT: '1', MONGO_URL: 'mongodb://x' })
  expect(config).toMatchObject({ PORT: 0, REUSE_PORT: true, MONGO_URL: 'mongodb://x' })
  expect(Object.isFrozen(config)).toBe(true)
})

test('every bad setting is named at once, with what was given', () => {
  const parse = () => parseConfig(shape, { JOB_TIMEOUT_MS: '46s', PORT: '70000', LOG_LEVEL: 'loud' })
  expect(parse).toThrow(ConfigError)
  expect(parse).toThrow(/JOB_TIMEOUT_MS: expected a whole number, got "46s"/)
  expect(parse).toThrow(/PORT: must be at most 65535, got "70000"/)
  expect(parse).toThrow(/LOG_LEVEL: expected one of info, debug, got "loud"/)
})

test('two settings that do not fit each other are named also where a third one is bad', () => {
  const sleep = { MIN: integerSetting(10, 0), MAX: integerSetting(20, 0), PORT: portSetting(0) }
  const parse = (env: Record<string, string>) => () => parseConfig(sleep, env, [['MAX', 'MIN']])
  expect(parse({ MIN: '21', PORT: 'x' })).toThrow(/^PORT: .*\nMAX: must be at least MIN \(21\), got 20$/)
  expect(parse({ MIN: 'x' })).toThrow(/^MIN: [^\n]*$/)
  expect(parse({ MIN: '20' })()).toEqual({ MIN: 20, MAX: 20, PORT: 0 })
})

test('how to log is known whatever else is bad', () => {
  expect(readLogSettings({ LOG_LEVEL: 'loud', LOG_FORMAT: 'pretty' })).toEqual({
    LOG_LEVEL: 'info',
    LOG_FORMAT: 'pretty',
  })
})

test('a duration is no longer than a timer can count, and what is kept no longer than a date can say', () => {
  const durations = { WAIT_MS: durationSetting(1, 0), KEPT_MS: retentionSetting(1, 0) }
  const most = { WAIT_MS: String(2 ** 31 - 1), KEPT_MS: String(36_525 * 86_400_000) }
  expect(parseConfig(durations, most)).toEqual({ WAIT_MS: 2 ** 31 - 1, KEPT_MS: 36_525 * 86_400_000 })
  expect(() => parseConfig(durations, { WAIT_MS: String(2 ** 31) })).toThrow(
    'WAIT_MS: must be at most 2147483647, got "2147483648"',
  )
  expect(() => parseConfig(durations, { KEPT_MS: '8640000000000000' })).toThrow(
    'KEPT_MS: must be at most 3155760000000',
  )
})

test('a file with a setting may begin with the mark of an editor and end with a line', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hasty-config-'))
  const file = join(dir, 'port')
  for (const text of ['7', '7\n', '7\r\n', '\ufeff7\r\n']) {
    await writeFile(file, text)
    expect(parseConfig(shape, { PORT_FILE: file })).toMatchObject({ PORT: 7 })
  }
  await rm(dir, { recursive: true })
})
