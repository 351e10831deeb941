import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { findOnPath } from '../../scripts/servers/run-command.ts'
import { type Peer, type PeerName, peers } from './peers.ts'

// Installs into this folder alone what the chosen peers need: nothing is installed on the machine, and nothing is left
// running. This takes Go; for wrk, where the machine has none, and the stores of others apt, by which packages are only
// downloaded; for those others npm.

const here = import.meta.dirname
const tools = join(here, '.tools')
const has = (path: string): boolean => existsSync(join(tools, path))

function run(command: string, args: string[], cwd: string, env: NodeJS.ProcessEnv = {}): void {
  execFileSync(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'inherit'] })
}

/** Unpacks packages of Debian into .tools/root. */
function unpack(...packages: string[]): void {
  const dir = join(tools, 'debs')
  mkdirSync(dir, { recursive: true })
  run('apt-get', ['download', ...packages], dir)
  for (const name of packages) {
    const file = readdirSync(dir).find((each) => each.startsWith(`${name}_`))
    if (file === undefined) throw new Error(`apt has no package ${name}`)
    run('dpkg', ['-x', join(dir, file), join(tools, 'root')], here)
  }
}

export function installPeers(names: readonly PeerName[]): void {
  const needed = new Set<Peer['store']>(names.map((name) => peers[name].store))
  mkdirSync(join(tools, 'bin'), { recursive: true })
  // Every time: it takes a second, and a change of the load generator must not be overlooked.
  const programs = ['./lg', ...(names.includes('asynq') ? ['./asynqpeer'] : [])]
  run('go', ['install', ...programs], join(here, 'go'), { GOBIN: join(tools, 'bin'), GOFLAGS: '-mod=mod' })
  if (findOnPath('wrk') === undefined && !has('root/usr/bin/wrk'))
    unpack('wrk', 'libluajit-5.1-2', 'libluajit-5.1-common')
  if (needed.has('redis') && !has('root/usr/bin/redis-server'))
    unpack('redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1')
  if (needed.has('postgres') && !existsSync('/usr/lib/postgresql') && !has('root/usr/lib/postgresql'))
    unpack('postgresql-15', 'postgresql-client-15', 'libpq5', 'libllvm14')
  if (needed.has('redis') || needed.has('postgres')) {
    const quiet = ['--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
    run('npm', ['install', ...quiet], here)
  }
}
