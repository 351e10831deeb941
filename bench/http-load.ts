import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'

export interface LoadOptions {
  url: string
  connections: number
  durationS: number
  /** A wrk script beside this file. */
  script: 'post.lua' | 'get.lua'
  env: Record<string, string>
}

export interface LoadResult {
  requests: number
  requestsPerS: number
  /** Milliseconds. */
  p50: number
  p99: number
  failed: number
}

export const hasWrk = (): boolean => spawnSync('wrk', ['-v']).error === undefined

/** Load from wrk: a process in C, so that it takes little of the two cores from the measured services. */
export async function httpLoad(options: LoadOptions): Promise<LoadResult> {
  const { connections, durationS, script, url } = options
  const args = ['-t1', `-c${connections}`, `-d${durationS}`, '--latency', '-s', join(import.meta.dirname, script), url]
  const child = spawn('wrk', args, { env: { ...process.env, ...options.env }, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  for await (const chunk of child.stdout) output += String(chunk)
  return {
    requests: Number(matched(output, /(\d+) requests in/)),
    requestsPerS: Number(matched(output, /Requests\/sec:\s+([\d.]+)/)),
    p50: milliseconds(matched(output, /^\s+50%\s+(\S+)/m)),
    p99: milliseconds(matched(output, /^\s+99%\s+(\S+)/m)),
    failed: Number(/Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0),
  }
}

function matched(output: string, pattern: RegExp): string {
  const found = pattern.exec(output)?.[1]
  if (found === undefined) throw new Error(`wrk said something else:\n${output}`)
  return found
}

function milliseconds(text: string): number {
  const value = Number.parseFloat(text)
  if (text.endsWith('us')) return value / 1000
  return text.endsWith('ms') ? value : value * 1000
}
