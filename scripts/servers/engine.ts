import { access } from 'node:fs/promises'
import { findOnPath, runCommand } from './run-command.ts'

/** Seven minutes: the first run of such a script may have to build all images. */
const BRING_UP_MS = 420_000

/**
 * Finds a container engine with compose that answers. HASTY_ENGINE_SCRIPT may name a script that brings one up; it is
 * run only as root, and only when there is none.
 * @returns why there is none, else null
 */
export async function prepareEngine(): Promise<{ problem: string | null }> {
  if (await hasEngine()) return { problem: null }
  const script = process.env.HASTY_ENGINE_SCRIPT
  const none = 'no container engine with compose answers'
  if (!script) return { problem: none }
  if (process.getuid?.() !== 0) return { problem: `${none}, and only root can start one` }
  try {
    await access(script)
    await runCommand('bash', [script], { timeoutMs: BRING_UP_MS })
    if (await hasEngine()) return { problem: null }
    return { problem: `${none}, also after HASTY_ENGINE_SCRIPT` }
  } catch (error) {
    return { problem: `${none}: ${error instanceof Error ? error.message : String(error)}` }
  }
}

async function hasEngine(): Promise<boolean> {
  if (findOnPath('docker') === undefined) return false
  const asks = [
    ['version', '--format', '{{.Server.Version}}'],
    ['compose', 'version'],
  ].map((args) => runCommand('docker', args, { timeoutMs: 20_000 }))
  return (await Promise.allSettled(asks)).every(({ status }) => status === 'fulfilled')
}
