import { spawn } from 'node:child_process'
import type { Command } from 'commander'
import type { CommandContext, Run } from '../command-context.ts'

/** The command that opens an address in the user's browser, by platform. */
const OPENERS: Partial<Record<NodeJS.Platform, string>> = { darwin: 'open', linux: 'xdg-open' }

export function defineUi(command: Command, run: Run): void {
  command
    .option('--open', 'open it in the browser')
    .addHelpText(
      'after',
      '\nThe token stands behind the #, which no server sees; the page takes it and clears the address.',
    )
    .action(run((context, flags: { open?: true }) => showAddress(context, flags)))
}

async function showAddress({ server, token: source, out }: CommandContext, { open }: { open?: true }): Promise<void> {
  const token = typeof source === 'function' ? await source() : source
  const address = new URL('/ui', server.url)
  if (token !== undefined) address.hash = `token=${encodeURIComponent(token)}`
  if (open) openInBrowser(address.href)
  if (out.json) out.record({ url: address.href })
  else out.line(address.href)
}

/** Without a browser nothing happens: the address is printed anyway. */
function openInBrowser(address: string): void {
  const opener = OPENERS[process.platform]
  if (opener === undefined) return
  const child = spawn(opener, [address], { stdio: 'ignore', detached: true })
  child.on('error', () => undefined)
  child.unref()
}
