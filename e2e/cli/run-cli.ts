import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'

export interface CliResult {
  code: number | null
  stdout: string
  stderr: string
  /** Milliseconds until the first line of stdout. */
  firstLineMs: number
}

export interface CliOptions {
  /** As a shell starts it: by way of the file that finds the right Node. */
  asShell?: boolean
  env?: Record<string, string>
  stdin?: string
  cwd?: string
  onStart?: (child: ChildProcess) => void
  onStdout?: (text: string) => void
}

const root = join(import.meta.dirname, '../..')
const bin = join(root, 'cli/bin.mjs')
/** What `bin` comes to. */
export const main = join(root, 'cli/main.ts')
const NODE_COMPILE_CACHE = join(root, '.cache/compile')

/** `hasty ARGS` as a process of its own. */
export function runCli(url: string, args: string[], options: CliOptions = {}): Promise<CliResult> {
  const startedMs = performance.now()
  const { PATH = '' } = process.env
  const env = { PATH, HOME: '/nonexistent', HASTY_URL: url, NODE_COMPILE_CACHE, ...options.env }
  const [file, before] = options.asShell ? [bin, []] : [process.execPath, [main]]
  const child = spawn(file, [...before, ...args], { env, cwd: options.cwd })
  options.onStart?.(child)
  let stdout = ''
  let stderr = ''
  let firstLineMs = Number.POSITIVE_INFINITY
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
    if (stdout.includes('\n')) firstLineMs = Math.min(firstLineMs, performance.now() - startedMs)
    options.onStdout?.(stdout)
  })
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  child.stdin.end(options.stdin ?? '')
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr, firstLineMs }))
  })
}
