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
  env?: Record<string, string>
  stdin?: string
  cwd?: string
  onStart?: (child: ChildProcess) => void
  onStdout?: (text: string) => void
}

const bin = join(import.meta.dirname, '../../cli/bin.mjs')

/** `hasty ARGS` as a process of its own, as a shell would start it. */
export function runCli(url: string, args: string[], options: CliOptions = {}): Promise<CliResult> {
  const startedMs = performance.now()
  const { PATH = '' } = process.env
  const env = { PATH, HOME: '/nonexistent', HASTY_URL: url, ...options.env }
  const child = spawn(bin, args, { env, cwd: options.cwd })
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
