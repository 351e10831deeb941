import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

export type CommandOptions = {
  env?: NodeJS.ProcessEnv
  cwd?: string
  timeoutMs?: number
  signal?: AbortSignal | undefined
}

/** Both outputs of a command; rejects with the last lines of output when the command fails. */
export function runCommand(command: string, args: string[], options: CommandOptions = {}): Promise<string> {
  const { env = process.env, cwd = process.cwd(), timeoutMs = 300_000, signal } = options
  return new Promise((resolve, reject) => {
    const limits = { timeout: timeoutMs, maxBuffer: 16 << 20, ...(signal === undefined ? {} : { signal }) }
    execFile(command, args, { env, cwd, ...limits }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout + stderr)
      if ('code' in error && error.code === 'ENOENT') return reject(new Error(`${command} is not installed`))
      if (error.killed) return reject(new Error(`${command} took longer than ${timeoutMs / 1000} s`))
      reject(new Error(`${command} failed: ${lastLines(stderr || stdout) || error.message}`))
    })
  })
}

export function findOnPath(command: string, alsoIn: string[] = []): string | undefined {
  const dirs = [...(process.env.PATH ?? '').split(delimiter), ...alsoIn].filter((dir) => dir !== '')
  return dirs.map((dir) => join(dir, command)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-3).join(' | ').slice(0, 400)
}
