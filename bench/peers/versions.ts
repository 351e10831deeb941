import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Peer, PeerName } from './peers.ts'
import { postgresBin, tool, toolEnv } from './stores.ts'

/** The machine of a run, in words. */
export const machine = (): string =>
  `${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 1024 ** 3)} GiB, Linux`

const here = import.meta.dirname
const { dependencies } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>
}
/** The library that makes a peer a queue. */
const LIBRARIES: Partial<Record<PeerName, string>> = {
  bullmq: 'bullmq',
  'bullmq-always': 'bullmq',
  pgboss: 'pg-boss',
  graphile: 'graphile-worker',
}

/** The programs and libraries of a peer. */
export function versionsOf(name: PeerName, { store }: Peer): Record<string, string> {
  const library = LIBRARIES[name]
  return {
    Node: process.versions.node,
    ...(library === undefined ? {} : { [library]: dependencies[library] ?? '' }),
    ...(name === 'asynq' ? { asynq: asynqVersion() } : {}),
    ...storeVersion(store),
  }
}

function asynqVersion(): string {
  return /hibiken\/asynq v(\S+)/.exec(readFileSync(join(here, 'go/go.mod'), 'utf8'))?.[1] ?? ''
}

function storeVersion(store: Peer['store']): Record<string, string> {
  const versionOf = (program: string) =>
    /\d+\.[\d.]+/.exec(execFileSync(program, ['--version'], { env: toolEnv, encoding: 'utf8' }))?.[0] ?? ''
  switch (store) {
    case 'none':
      return {}
    case 'nats':
      return { 'nats-server': versionOf(process.env['NATS_SERVER_BIN'] ?? tool('nats-server')) }
    case 'redis':
      return { Redis: versionOf(tool('redis-server')) }
    case 'postgres':
      return { PostgreSQL: versionOf(join(postgresBin(), 'postgres')) }
  }
}
