import type { Command } from 'commander'
import type { Digest } from '../../client/index.ts'
import type { CommandContext, Run } from '../command-context.ts'
import { frameOf } from '../top/frame.ts'
import { type History, withDigest } from '../top/history.ts'

interface Flags {
  tenant?: string
  once?: true
}

export function defineTop(command: Command, run: Run): void {
  command
    .option('--tenant <name>', "only this tenant's jobs")
    .option('--once', 'show what is now, and end')
    .action(run(showTop))
}

/** Shows each digest in place of the one before; for programs one after the other, and a single one without a terminal. */
async function showTop({ client, out, server, signal }: CommandContext, { tenant, once }: Flags): Promise<void> {
  const title = `${server.url}${tenant === undefined ? '' : ` · tenant ${tenant}`}`
  const isOnce = once === true || !(out.json || out.hasScreen)
  let history: History = new Map()
  const show = (digest: Digest) => {
    if (out.json) {
      out.record(digest)
      return
    }
    history = withDigest(history, digest)
    const lines = frameOf(digest, history, { ...out, title })
    if (isOnce) for (const line of lines.slice(0, -2)) out.line(line.trimEnd())
    else out.screen(lines)
  }
  try {
    let seen = 0
    for await (const digest of client.overview.live({ tenant, signal })) {
      // The first digest has no flow yet: there was no look before it.
      if (isOnce && seen++ === 0) continue
      show(digest)
      if (isOnce) return
    }
  } finally {
    out.endScreen()
  }
}
