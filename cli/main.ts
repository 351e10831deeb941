import { readFileSync } from 'node:fs'
import { watchInterrupts } from './interrupts.ts'
import { makeOutput } from './output.ts'
import { runProgram } from './program.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

// With `hasty list | head` the reader closes the pipe when it has read enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

process.exitCode = await runProgram(process.argv.slice(2), {
  version,
  env: process.env,
  makeOutput: (options) => makeOutput({ stdout: process.stdout, stderr: process.stderr, ...options }),
  interrupts: watchInterrupts(process),
  readStdin: async () => (await import('node:stream/consumers')).buffer(process.stdin),
  ask: process.stdin.isTTY ? askOnTerminal : null,
})

async function askOnTerminal(question: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await terminal.question(question)
  } finally {
    terminal.close()
  }
}
