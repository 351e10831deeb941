import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDir } from './cache.ts'
import { findOnPath, runCommand } from './run-command.ts'

const VERSION = '4.32.5'
const INSTALL_MS = 180_000

/**
 * The schemathesis command, from a virtual environment in the cache, which is created where it is missing.
 * @throws why there is none: no Python, or its packages cannot be installed
 */
export async function findSchemathesis(): Promise<string> {
  const venv = join(cacheDir(), `schemathesis-${VERSION}`)
  const command = join(venv, 'bin/schemathesis')
  if (await answers(command)) return command
  const python = findOnPath('python3')
  if (python === undefined) throw new Error('python3 is not on PATH')
  await mkdir(cacheDir(), { recursive: true })
  await runCommand(python, ['-m', 'venv', '--clear', venv], { timeoutMs: INSTALL_MS })
  await runCommand(join(venv, 'bin/pip'), ['install', '--quiet', `schemathesis==${VERSION}`], { timeoutMs: INSTALL_MS })
  return command
}

const answers = (command: string): Promise<boolean> =>
  runCommand(command, ['--version'], { timeoutMs: 30_000 }).then(
    (output) => output.includes(VERSION),
    () => false,
  )
