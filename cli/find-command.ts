import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { UsageError } from './explain-error.ts'

/** Where a program is looked for without PATH. */
const USUAL_PATH = '/usr/bin:/bin'

/** @throws UsageError for a command that could not be started: each job would spend an attempt on it */
export function checkCommand(program: string, path = USUAL_PATH): void {
  const isPath = program.includes('/')
  const files = isPath ? [program] : path.split(delimiter).map((folder) => join(folder, program))
  const found = files.filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile())
  if (found.some(isExecutable)) return
  const [file] = found
  if (file !== undefined) throw new UsageError(`${file} is not executable. Run: chmod +x ${file}`)
  throw new UsageError(
    isPath
      ? `There is no file ${program} to run.`
      : `There is no command ${program} in PATH. Give a file of this folder as ./${program}.`,
  )
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
