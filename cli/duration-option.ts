import { Option } from 'commander'
import { parseDuration } from './parse.ts'

/** @param standard the default, in the syntax of a duration */
export function durationOption(flags: string, description: string, standard?: string): Option {
  const option = new Option(flags, `${description}: 500ms, 30s, 5m, 2h, 1d; a bare number is seconds`)
  option.argParser(parseDuration)
  return standard === undefined ? option : option.default(parseDuration(standard), standard)
}
