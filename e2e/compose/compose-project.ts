import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../scripts/servers/free-port.ts'
import { runCommand } from '../../scripts/servers/run-command.ts'

export type Container = {
  readonly id: string
  readonly service: string
  readonly state: string
  readonly health: string
  readonly exitCode: number
  /** `127.0.0.1:8080` and so on, of this machine. */
  readonly published: string[]
}

export type ComposeProject = AsyncDisposable & {
  /** nginx's. */
  readonly url: string
  readonly image: string
  /** `docker compose ...` of this project; both outputs. */
  compose(...args: string[]): Promise<string>
  docker(...args: string[]): Promise<string>
  /** From now on these too, as when a `.env` is changed. */
  use(env: Record<string, string>): void
  /** Everything healthy when this resolves, and setup done. */
  up(...args: string[]): Promise<void>
  /** Waits for the new replicas to be healthy and for the others to be gone. */
  scale(replicas: { api?: number; keeper?: number; job?: number; workflow?: number; ingest?: number }): Promise<void>
  containers(service?: string): Promise<Container[]>
  /** SIGKILL for the service's own process, as a crash would: the engine then does what the restart policy says. */
  killProcess(container: Container, command: string): Promise<void>
}

export type ComposeProjectOptions = {
  /** Besides docker-compose.yml, from the repository's root. */
  files?: string[]
  env?: Record<string, string>
}

const root = join(import.meta.dirname, '../..')

/** A compose project of a test's own: own name, port, image tag and volumes, all of which go with it. */
export async function startComposeProject(options: ComposeProjectOptions = {}): Promise<ComposeProject> {
  const name = `hasty-test-${randomBytes(4).toString('hex')}`
  const port = await freePort()
  const image = `${name}:test`
  const env = { ...process.env, HASTY_PORT: `127.0.0.1:${port}`, HASTY_IMAGE: image, ...options.env }
  const files = ['docker-compose.yml', ...(options.files ?? [])].flatMap((file) => ['--file', file])
  const docker = (...args: string[]) => runCommand('docker', args, { env, cwd: root })
  const compose = (...args: string[]) =>
    docker('compose', '--project-name', name, '--project-directory', root, '--progress', 'quiet', ...files, ...args)

  const project: ComposeProject = {
    url: `http://127.0.0.1:${port}`,
    image,
    compose,
    docker,
    use: (more) => void Object.assign(env, more),
    up: async (...args) => void (await compose('up', '--detach', '--wait', '--wait-timeout', '120', ...args)),
    scale: async (replicas) => {
      const scales = Object.entries(replicas).flatMap(([service, count]) => ['--scale', `${service}=${count}`])
      const services = Object.keys(replicas)
      await compose('up', '--detach', '--no-deps', '--no-recreate', '--wait', ...scales, ...services)
    },
    containers: async (service) => {
      const text = await compose(
        'ps',
        '--all',
        '--no-trunc',
        '--format',
        'json',
        ...(service === undefined ? [] : [service]),
      )
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map(readContainer)
    },
    killProcess: async ({ id }, command) => {
      const script = `for p in /proc/[0-9]*; do if tr '\\0' ' ' <$p/cmdline | grep -q '^${command}'; then kill -9 \${p#/proc/}; fi; done`
      const pid = () => docker('inspect', '--format', '{{.State.Pid}}', id)
      const before = await pid()
      // The container ends with its process, and takes the shell that we kill by with it: then the engine says that
      // our command failed, although it did what it should.
      await docker('exec', id, 'sh', '-c', script).catch(async (error: unknown) => {
        if ((await pid()) === before) throw error
      })
    },
    [Symbol.asyncDispose]: async () => {
      if (process.env.HASTY_KEEP) await keepLogs(name, await compose('logs', '--no-color', '--timestamps'))
      // At once: nothing that they could still do is looked at.
      await compose('--profile', '*', 'down', '--volumes', '--remove-orphans', '--timeout', '0')
      await docker('image', 'rm', '--force', ...new Set([image, env.HASTY_IMAGE]))
    },
  }
  try {
    // Of one service: all have the same image, and each would build it again.
    await compose('build', '--quiet', 'setup')
    return project
  } catch (error) {
    await project[Symbol.asyncDispose]()
    throw error
  }
}

/** HASTY_KEEP=1 keeps what all containers said, as it keeps the folders of the other tests. */
async function keepLogs(name: string, logs: string): Promise<void> {
  const file = join(tmpdir(), `${name}.log`)
  await writeFile(file, logs)
  process.stderr.write(`kept: ${file}\n`)
}

type PsLine = {
  ID: string
  Service: string
  State: string
  Health: string
  ExitCode: number
  Publishers: { URL: string; PublishedPort: number }[] | null
}

function readContainer(line: string): Container {
  const { ID, Service, State, Health, ExitCode, Publishers } = JSON.parse(line) as PsLine
  const published = (Publishers ?? []).filter(({ PublishedPort }) => PublishedPort > 0)
  return {
    id: ID,
    service: Service,
    state: State,
    health: Health,
    exitCode: ExitCode,
    published: published.map(({ URL: address, PublishedPort }) => `${address}:${PublishedPort}`),
  }
}
