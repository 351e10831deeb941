import type { Command } from 'commander'
import type { Run } from '../command-context.ts'

export function defineVersion(command: Command, run: Run): void {
  command.action(run(async ({ out, version }) => (out.json ? out.record({ version }) : out.line(`hasty ${version}`))))
}
