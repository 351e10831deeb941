import { expect, test } from 'vitest'
import {
  ConfigError,
  choiceSetting,
  flagSetting,
  integerSetting,
  optionalText,
  parseConfig,
  portSetting,
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
