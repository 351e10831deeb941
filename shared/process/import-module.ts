import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { isErrorLike, memberOf, messageOf } from '#shared/errors/foreign.ts'
import { framesOf, placeAbove, placeText, type SourcePlace } from '#shared/errors/source-place.ts'
import { OWN_PACKAGES } from './own-packages.ts'

/** Modules of ours that stand in the stacks of imports: the importing one, and the one that helps to find packages. */
const OWN_FILES = [import.meta.url, OWN_PACKAGES].map((url) => fileURLToPath(url))

/** Frames of a stack that people are shown. */
const FRAMES_MAX = 8

/**
 * Imports a module of a user.
 * @throws Error whose message says where the fault is: `/jobs/mail.ts:3:9: no DATABASE_URL`, and below the calls that
 * led there
 */
export async function importModule(file: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>
  } catch (error) {
    throw new Error(await explain(file, error), { cause: error })
  }
}

async function explain(file: string, error: unknown): Promise<string> {
  const message = messageOf(error)
  const stack = isErrorLike(error) ? memberOf(error, 'stack') : undefined
  if (typeof stack !== 'string') return `${file}: ${message}`
  const frames = framesOf(stack, OWN_FILES)
  const isSyntax = memberOf(error, 'name') === 'SyntaxError'
  // A module that cannot be parsed has no frame of its own. Node attaches the place only to what it prints itself.
  const place = placeAbove(stack) ?? (isSyntax && frames.length === 0 ? await placeOfSyntaxError(file) : null)
  if (place !== null) return `${before(place, file)}${placeText(withColumn(place))}: ${message}`
  const [first] = frames
  if (first === undefined) return `${file}: ${message}`
  const calls = frames.length === 1 ? [] : frames.slice(0, FRAMES_MAX).map(callText)
  return [`${before(first, file)}${placeText(first)}: ${message}`, ...calls].join('\n')
}

/** Node marks no column where a text ends too early: the place is the end of its line. */
function withColumn(place: SourcePlace): SourcePlace {
  if (place.column !== null) return place
  try {
    const line = readFileSync(place.file, 'utf8').split('\n')[place.line - 1]
    return line === undefined ? place : { ...place, column: line.length + 1 }
  } catch {
    return place
  }
}

/** The handler's own file, where the fault is in a file that it imports. */
const before = (place: SourcePlace, file: string): string => (place.file === file ? '' : `${file}: `)

const callText = ({ name, ...place }: SourcePlace & { name: string | null }): string =>
  `    at ${name === null ? placeText(place) : `${name} (${placeText(place)})`}`

const PRINTED_WITHIN_MS = 10_000

/** Lets another Node fail by the same module, and reads what it prints. No code of a module runs before it is parsed. */
function placeOfSyntaxError(file: string): Promise<SourcePlace | null> {
  const args = ['--import', OWN_PACKAGES, '--input-type=module', '--eval', 'await import(process.argv[1])']
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...args, pathToFileURL(file).href],
      { timeout: PRINTED_WITHIN_MS },
      (_error, _stdout, stderr) => resolve(placeAbove(stderr)),
    )
  })
}
