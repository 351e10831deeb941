// The rules of docs/logs.md that the source shows: constant messages, members in snake_case.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')

interface LogCall {
  place: string
  /** The arguments as they are written. */
  args: string[]
}

/** The built-in type `task` writes its payload: that is all it is for. */
const EXEMPT = 'services/job/handlers/task.ts'

const withoutComments = (source: string): string =>
  source.replaceAll(/\/\*[^]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, ' ')).replaceAll(/^\s*\/\/.*$/gm, '')

function callsIn(file: string, source: string): LogCall[] {
  return [...source.matchAll(/\b[lL]og(?:ger)?\??\.(?:trace|debug|info|warn|error|fatal)\(/g)].map((match) => {
    const line = source.slice(0, match.index).split('\n').length
    return { place: `${file}:${line}`, args: argumentsAt(source, match.index + match[0].length) }
  })
}

const STEPS: Record<string, number> = { '(': 1, '[': 1, '{': 1, ')': -1, ']': -1, '}': -1 }

/** The arguments of a call, split at the commas that are in no bracket and no text, from behind its bracket on. */
function argumentsAt(source: string, from: number): string[] {
  const args = ['']
  let [depth, quote] = [1, '']
  for (let at = from; at < source.length; at++) {
    const char = source[at] ?? ''
    if (quote !== '' && char === '\\') args.push(`${args.pop()}${char}${source[++at]}`)
    else {
      if (quote !== '') quote = char === quote ? '' : quote
      else if (`'"\``.includes(char)) quote = char
      else depth += STEPS[char] ?? 0
      if (depth === 0) break
      if (quote === '' && char === ',' && depth === 1) args.push('')
      else args.push(`${args.pop()}${char}`)
    }
  }
  return args.map((arg) => arg.trim()).filter((arg) => arg !== '')
}

const calls: LogCall[] = globSync('{services,shared}/**/*.ts', { cwd: root })
  .filter((file) => !file.includes('.test.') && file !== EXEMPT)
  .flatMap((file) => callsIn(file, withoutComments(readFileSync(join(root, file), 'utf8'))))

const TEXT = String.raw`(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")`
/** A text, or one of two. */
const CONSTANT = new RegExp(`^(?:[^\`]+ \\? ${TEXT} : )?${TEXT}$`)

/** The names of the members of an object, without those of the objects in it. */
function membersOf(object: string): string[] {
  if (!object.startsWith('{')) return []
  return argumentsAt(object, 1).flatMap((member) => /^['"]?([\w$-]+)['"]?\s*(?::|$)/.exec(member)?.[1] ?? [])
}

test('the calls of all services are seen', () => {
  expect(calls.length).toBeGreaterThan(120)
  expect(calls.filter(({ args }) => args.length === 0 || args.length > 2)).toEqual([])
})

test('the message of a log line is a constant, so that lines can be counted and looked for', () => {
  expect(calls.filter(({ args }) => !CONSTANT.test(args.at(-1) ?? ''))).toEqual([])
})

test('the members of a log line are snake_case', () => {
  const names = calls.flatMap(({ place, args }) =>
    membersOf(args.length > 1 ? (args[0] ?? '') : '').map((name) => [place, name]),
  )
  expect(names.length).toBeGreaterThan(150)
  expect(names.filter(([, name = '']) => !/^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/.test(name))).toEqual([])
})

test('no log line has a payload, a result or a secret', () => {
  const wrong = /\b(?:payload|result|password|secret|token|callback_url|headers)\b/i
  const members = calls.map(({ place, args }) => ({
    place,
    members: membersOf(args.length > 1 ? (args[0] ?? '') : ''),
  }))
  expect(members.filter((call) => call.members.some((name) => wrong.test(name)))).toEqual([])
})
