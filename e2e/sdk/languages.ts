import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findOnPath, runCommand } from '../../scripts/servers/run-command.ts'

const sdk = join(import.meta.dirname, '../../sdk')

/** How the conformance worker of a language is started. */
export interface Language {
  name: string
  /** Programs that it needs and that are not here; '' when all are. */
  missing: string
  /** Whether it hands back what still runs at the end of its drain. */
  releases: boolean
  /** Jobs at once that leave it enough time for its heartbeats on a busy machine. */
  concurrency: string
  /** Jobs of one test at most. */
  jobsMax: number
  /** Seconds, where the scenarios' own are too few for the heartbeats of so many jobs at once on a busy machine. */
  leaseS?: number
  /** Milliseconds, where the scenarios' own time limit is too short for one job on a busy machine. */
  timeoutMs?: number
  /** @param dir for what is built; @returns the command */
  prepare: (dir: string) => Promise<[string, ...string[]]>
}

const missing = (...programs: string[]): string =>
  programs.filter((program) => findOnPath(program) === undefined).join(', ')

export const LANGUAGES: Language[] = [
  {
    name: 'TypeScript',
    missing: '',
    releases: true,
    concurrency: '16',
    jobsMax: 60,
    prepare: () => Promise.resolve([process.execPath, join(import.meta.dirname, 'typescript-worker.ts')]),
  },
  {
    name: 'Python',
    missing: missing('python3'),
    releases: true,
    concurrency: '16',
    jobsMax: 60,
    prepare: () => Promise.resolve(['python3', join(sdk, 'python/conformance_worker.py')]),
  },
  {
    name: 'Go',
    missing: missing('go'),
    releases: true,
    concurrency: '16',
    jobsMax: 60,
    prepare: async (dir) => {
      const program = join(dir, 'conformance-worker')
      await runCommand('go', ['build', '-o', program, './cmd/conformance-worker'], { cwd: join(sdk, 'go') })
      return [program]
    },
  },
  {
    name: 'bash',
    missing: missing('bash', 'curl', 'jq'),
    releases: false,
    // Each call starts some ten processes, and each heartbeat six.
    concurrency: '6',
    jobsMax: 10,
    leaseS: 30,
    timeoutMs: 60_000,
    prepare: () => Promise.resolve(['bash', join(sdk, 'conformance/worker.sh')]),
  },
]

export async function makeBuildDir(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'hasty-sdk-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
