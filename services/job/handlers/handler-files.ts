import { readdir } from 'node:fs/promises'
import { join, parse, resolve } from 'node:path'
import { messageOf } from '#shared/errors/foreign.ts'
import { ConfigError } from '#shared/process/config.ts'

export interface HandlerFiles {
  /** Sorted by name. */
  files: string[]
  /** Files that look like handlers but are not loaded, with the reason, as text for people. */
  passedOver: string[]
}

/** Extensions that Node runs as modules; sources come before files generated from them. */
const LOADED = ['.ts', '.mts', '.js', '.mjs']
/** Files that somebody may have intended as handlers. */
const LOOKS_LIKE_CODE =
  /\.(?:[cm]?[jt]s|[jt]sx|coffee|vue|wasm|py|rb|php|pl|lua|sh|go|rs|java|kt|kts|scala|cs|swift|c|cc|cpp|ex|exs|clj|hs)$/i
/**
 * Files that lie beside handlers on purpose: helpers, whose names begin with _, and those of a compiler, a test runner, a
 * linter or an editor.
 */
const NOT_MEANT = /^[._]|\.d\.[cm]?ts$|\.(?:test|spec)\./i

/**
 * The files of HANDLERS_DIR that hold a handler each. What handlers share lies in folders, or in files whose names begin
 * with _.
 * @throws ConfigError when the folder cannot be read
 */
export async function findHandlerFiles(directory: string): Promise<HandlerFiles> {
  const names = (await namesIn(directory)).filter((name) => !NOT_MEANT.test(name))
  const files: string[] = []
  const passedOver: string[] = []
  for (const name of names) {
    const { name: base, ext } = parse(name)
    const source = LOADED.slice(0, LOADED.indexOf(ext)).find((other) => names.includes(base + other))
    if (!LOADED.includes(ext)) {
      if (LOOKS_LIKE_CODE.test(name)) passedOver.push(`${name} (handlers end in ${LOADED.join(', ')})`)
    } else if (source === undefined) files.push(resolve(join(directory, name)))
    else passedOver.push(`${name} (${base}${source} is loaded instead)`)
  }
  return { files, passedOver }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true })
    return entries
      .filter((entry) => !entry.isDirectory())
      .map(({ name }) => name)
      .toSorted()
  } catch (error) {
    throw new ConfigError(`HANDLERS_DIR: cannot read ${directory}: ${messageOf(error)}`)
  }
}
