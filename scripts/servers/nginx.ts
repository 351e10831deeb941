import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Child, startChild } from './child.ts'
import { findOrInstall } from './find-or-install.ts'
import { freePort, portError } from './free-port.ts'
import { findOnPath } from './run-command.ts'
import { waitUntil } from './wait-until.ts'

export type NginxOptions = {
  /** Folder of the rendered configuration, the logs and the temporary files. */
  dir: string
  port?: number
  /** Addresses such as `127.0.0.1:8081`. */
  upstreams: string[]
  /** Addresses of the workflow service; without any, its routes are 502. */
  workflowUpstreams?: string[]
  /** Requests per second and client address; without it there is no limit. */
  ratePerSecond?: number
}

export type Nginx = AsyncDisposable & {
  readonly url: string
  readonly port: number
  readonly pid: number
  readonly accessLog: string
  /** Sends SIGQUIT: nginx answers the requests that it has begun, then ends. */
  stop(): Promise<void>
}

const templates = join(import.meta.dirname, '../../nginx')

/** nginx's path; installs Debian's package when there is none and this process may. */
export const findNginx = (): Promise<string> =>
  findOrInstall({
    program: 'nginx',
    package: 'nginx-light',
    find: () => findOnPath('nginx', ['/usr/sbin', '/usr/local/sbin']),
    how: 'Install nginx (1.22 or newer) and put it on PATH.',
  })

export async function startNginx(options: NginxOptions): Promise<Nginx> {
  const bin = await findNginx()
  const dir = resolve(options.dir)
  const port = options.port ?? (await freePort())
  await mkdir(dir, { recursive: true })
  const accessLog = join(dir, 'access.log')
  await render(dir, {
    HASTY_WORKERS: '1',
    HASTY_RUN_DIR: dir,
    HASTY_ERROR_LOG: join(dir, 'error.log'),
    HASTY_ACCESS_LOG: accessLog,
    HASTY_LISTEN: `127.0.0.1:${port}`,
    HASTY_RESOLVER: '',
    HASTY_UPSTREAM: servers(options.upstreams),
    HASTY_WORKFLOW_UPSTREAM: servers(options.workflowUpstreams ?? []),
    HASTY_BODY_LIMIT: '1m',
    HASTY_BATCH_LIMIT: '8m',
    HASTY_RATE_LIMIT: options.ratePerSecond === undefined ? 'off' : 'on',
    HASTY_RATE: `${options.ratePerSecond ?? 50}r/s`,
  })
  // Started as root, nginx would give its workers to a user who may not write here.
  const user = process.getuid?.() === 0 ? 'user root; ' : ''
  const args = ['-p', dir, '-c', join(dir, 'nginx.conf'), '-e', join(dir, 'error.log'), '-g', `${user}daemon off;`]
  const child = await startChild(bin, args, { ownGroup: true, logFile: join(dir, 'nginx.log'), outlivesParentByS: 0 })
  await waitUntil(async () => (await portError(port)) !== undefined, { what: `nginx (log: ${dir}/error.log)`, child })
  return handle(child, port, accessLog)
}

function handle(child: Child, port: number, accessLog: string): Nginx {
  const stop = async () => void (await child.stop(5000, 'SIGQUIT'))
  return { url: `http://127.0.0.1:${port}`, port, pid: child.pid, accessLog, stop, [Symbol.asyncDispose]: stop }
}

/**
 * The servers of an upstream. A second is enough here: a refused connection on this machine costs nothing. nginx needs
 * one server at least.
 */
const servers = (addresses: string[]): string =>
  addresses.length === 0
    ? 'server 127.0.0.1:1 down;'
    : addresses.map((address) => `server ${address} max_fails=1 fail_timeout=1s;`).join(' ')

/** Renders the templates as envsubst does in the image; every variable must be given. */
async function render(dir: string, variables: Record<string, string>): Promise<void> {
  for (const name of ['nginx.conf', 'hasty.conf']) {
    const template = await readFile(join(templates, `${name}.template`), 'utf8')
    const text = template.replaceAll(/\$\{(HASTY_\w+)\}/g, (_, variable: string) => {
      const value = variables[variable]
      if (value === undefined) throw new Error(`${name}.template needs ${variable}`)
      return value
    })
    await writeFile(join(dir, name), text)
  }
}
