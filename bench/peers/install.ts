import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

// Installs the peers into this folder alone: nothing is installed on the machine, and nothing is left running. This
// takes npm, Go, and apt, by which packages are only downloaded.

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

/** @param stores the stores that the chosen peers need */
export function installPeers(stores: ReadonlySet<string>): void {
  mkdirSync(join(tools, 'bin'), { recursive: true })
  if (!existsSync(join(here, 'node_modules/bullmq'))) {
    run(
      'npm',
      ['install', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
      here,
    )
  }
  if (!has('root/usr/bin/wrk')) unpack('wrk', 'libluajit-5.1-2', 'libluajit-5.1-common')
  if (stores.has('redis') && !has('root/usr/bin/redis-server'))
    unpack('redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1')
  if (stores.has('postgres') && !existsSync('/usr/lib/postgresql') && !has('root/usr/lib/postgresql'))
    unpack('postgresql-15', 'postgresql-client-15', 'libpq5', 'libllvm14')
  if (!has('bin/lg') || !has('bin/asynqpeer')) {
    run('go', ['install', './lg', './asynqpeer'], join(here, 'go'), { GOBIN: join(tools, 'bin'), GOFLAGS: '-mod=mod' })
  }
}
