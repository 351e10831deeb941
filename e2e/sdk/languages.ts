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
  /** @param dir for what is built; @returns the command */
  prepare: (dir: string) => Promise<[string, ...string[]]>
}

const missing = (...programs: string[]): string =>
  programs.filter((program) => findOnPath(program) === undefined).join(', ')

export const LANGUAGES: Language[] = [
  {
    name: 'Python',
    missing: missing('python3'),
    releases: true,
    concurrency: '16',
    prepare: () => Promise.resolve(['python3', join(sdk, 'python/conformance_worker.py')]),
  },
  {
    name: 'Go',
    missing: missing('go'),
    releases: true,
    concurrency: '16',
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
    // Each call starts some ten processes.
    concurrency: '6',
    prepare: () => Promise.resolve(['bash', join(sdk, 'conformance/worker.sh')]),
  },
]

export async function makeBuildDir(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'hasty-sdk-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
