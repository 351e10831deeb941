// `npm run test:compose`: docker-compose.yml and docker-compose.cluster.yml on a real engine, under names of their own.
// Exit code: 0 only when there is an engine and all tests passed.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runVitest } from './run-vitest.ts'
import { prepareEngine } from './servers/engine.ts'

const say = (line: string) => process.stdout.write(`${line}\n`)

async function main(): Promise<number> {
  const { problem } = await prepareEngine()
  if (problem !== null) {
    say(`not run: e2e/compose (${problem})`)
    return 1
  }
  const dir = await mkdtemp(join(tmpdir(), 'hasty-test-'))
  try {
    const args = ['--project', 'compose', ...process.argv.slice(2)]
    const { code, passed, failed, skipped } = await runVitest(args, dir, process.env)
    say(`${passed} passed, ${failed} failed, ${skipped} skipped`)
    return code !== 0 || failed > 0 || passed === 0 ? 1 : 0
  } finally {
    await rm(dir, { recursive: true, force: true, maxRetries: 3 })
  }
}

process.exitCode = await main()
